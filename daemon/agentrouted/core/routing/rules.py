"""The rules that lead to one endpoint."""

import re
from dataclasses import dataclass, replace

from agentrouted.core.errors import ConfigInvalid, ModelUnresolved
from agentrouted.core.routing.address import Address, BadAddress, read_address
from agentrouted.core.routing.endpoints import Ask, Endpoints, endpoints_at, endpoints_of
from agentrouted.core.routing.providers import Provider, direct_provider, key_variable, provider_named, read_setting
from agentrouted.core.routing.strategies import Chain
from agentrouted.core.routing.vendors import LOCAL_KINDS, OPENROUTER, VENDORS, vendor_of

_ADDRESS_WITHOUT_SCHEME = re.compile(r"(https?(:[^/]*)?|localhost|\d+\.\d+\.\d+\.\d+|[\w.-]+:\d+)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fit:
    """A rule fits: why, and where it leads."""

    why: str
    endpoints: Endpoints
    warnings: tuple[str, ...] = ()
    chain: Chain | None = None
    """How `endpoints` belong together, where a name of the config stands for them."""


Answer = Fit | str
"""What a rule answers: that it fits, or why it does not."""


def url(ask: Ask) -> Answer:
    """`http://host/v1/id`: the address is all before the last slash."""
    if not ask.model.lower().startswith(("http://", "https://")):
        if _ADDRESS_WITHOUT_SCHEME.match(ask.model):
            raise ModelUnresolved(
                f"`{ask.model}` looks like an address without its scheme", hint=f"write `http://{ask.model}`"
            )
        return "it does not begin with http:// or https://"
    try:
        whole = read_address(ask.model)
    except BadAddress as error:
        raise ModelUnresolved(f"the address of the model cannot be used: {error.reason}", hint=error.mend) from error
    rest = ask.base_url.rest_of(whole) if ask.base_url else None
    address, model_id = (ask.base_url, rest) if ask.base_url and rest is not None else _split(whole)
    if model_id.lower() in {"", "v1"}:
        raise ModelUnresolved(f"{whole.url} names a server but no model", hint=f"write `{whole.url}/<model>`")
    unused = ask.base_url is not None and rest is None
    warnings = ("`baseUrl` is not used: the model string is another address",) if unused else ()
    return Fit("it is an address", endpoints_at(ask, address, "the model string", model_id), warnings)


def _split(whole: Address) -> tuple[Address, str]:
    before, _, model_id = whole.path.rpartition("/")
    path = before.rstrip("/")
    return replace(whole, url=whole.url[: len(whole.url) - len(whole.path) + len(path)], path=path), model_id


def provider(ask: Ask) -> Answer:
    """`<name>/<id>`, where the name is a local kind or a provider that the user has asked for."""
    name, slash, model_id = (part.strip() for part in ask.model.partition("/"))
    if not slash:
        return _bare(ask)
    if not name or not model_id.strip("/"):
        raise ModelUnresolved(f"`{ask.model}` is not whole", hint="write `<provider>/<model>`")
    known = direct_provider(ask.snapshot, name)
    if known is None:
        return _why_not_direct(name)
    kind = "a local kind" if known.name in LOCAL_KINDS else "a provider of yours"
    return Fit(f"`{known.name}` is {kind}", at_provider(ask, known, model_id))


def at_provider(ask: Ask, known: Provider, model_id: str) -> Endpoints:
    if known.name == OPENROUTER.name and "/" not in model_id:
        # OpenRouter has models of its own, such as `openrouter/auto`, and lists all others as `vendor/model`.
        model_id = f"{OPENROUTER.name}/{model_id}"
    return endpoints_of(ask, known, model_id)


def _bare(ask: Ask) -> str:
    # `ollama` or `ollama:llama3` is meant to stay here; it must not be taken for a model in the cloud.
    name, _, rest = ask.model.partition(":")
    if name.casefold() in LOCAL_KINDS or direct_provider(ask.snapshot, ask.model):
        raise ModelUnresolved(f"`{name}` is a provider, not a model", hint=f"write `{name}/{rest or '<model>'}`")
    return "it names no provider"


def _why_not_direct(name: str) -> str:
    if name.casefold() in VENDORS:
        return f"`{name}` is direct only where the config names it or {key_variable(name)} is set"
    return f"`{name}` is neither a local kind nor a provider of the config"


def fallback_base(ask: Ask) -> Answer:
    """The user's own default, in place of OpenRouter."""
    config = ask.snapshot.config
    if config.default_provider and config.default_provider.casefold() != OPENROUTER.name:
        known = provider_named(ask.snapshot, config.default_provider)
        if known is None:
            raise ConfigInvalid(
                f"default_provider is `{config.default_provider}`, which is no provider",
                hint=f"add it under `providers`, or name one of {', '.join((*LOCAL_KINDS, *VENDORS))}",
            )
        return Fit("default_provider is set", endpoints_of(ask, known, ask.model), _near_miss(ask))
    if config.api_base:
        address = ask.base_url or read_setting(config.api_base, "api_base")
        found = endpoints_at(ask, address, "`baseUrl`" if ask.base_url else "api_base", ask.model)
        return Fit("api_base is set", found, _near_miss(ask))
    if gateway := _litellm(ask):
        return Fit("LITELLM_API_BASE is set", endpoints_of(ask, gateway, ask.model), _near_miss(ask))
    return "no default_provider, api_base or LITELLM_API_BASE is set"


def _litellm(ask: Ask) -> Provider | None:
    value = ask.snapshot.environ.get("LITELLM_API_BASE", "").strip()
    if not value:
        return None
    return Provider(
        name="litellm",
        address=read_setting(value, "LITELLM_API_BASE"),
        address_from="LITELLM_API_BASE",
        key_variables=("LITELLM_API_KEY",),
        keyfile_names=("litellm_api_key",),
        forwards=True,
    )


def openrouter(ask: Ask) -> Answer:
    """Everything else. A model without a vendor gets the one that OpenRouter has it under."""
    known = provider_named(ask.snapshot, OPENROUTER.name)
    assert known is not None
    if ask.base_url and not known.is_at(ask.base_url):
        found = endpoints_at(ask, ask.base_url, "`baseUrl`", ask.model)
        return Fit(
            "no other rule fits; `baseUrl` is another host, so the name is used as it is", found, _near_miss(ask)
        )
    model_id, warnings = _listed_as(ask.model)
    return Fit("no other rule fits", endpoints_of(ask, known, model_id), (*warnings, *_near_miss(ask)))


def _listed_as(model: str) -> tuple[str, tuple[str, ...]]:
    if model.count("/") > 1:
        # `openrouter/vendor/model` is how it is written where OpenRouter is one provider of many.
        return model.removeprefix(f"{OPENROUTER.name}/"), ()
    if "/" in model:
        return model, ()
    if vendor := vendor_of(model):
        return f"{vendor}/{model}", ()
    return model, (f"`{model}` has no vendor, and OpenRouter lists models as `vendor/model`",)


def _near_miss(ask: Ask) -> tuple[str, ...]:
    """A warning, if what stands before the slash is nearly the name of a provider of the user's own.

    A slip of the pen in the name of a server on this machine is refused: it must not send a private prompt away.
    """
    if ask.base_url is None:
        _refuse_file_or_address(ask.model)
        _refuse_unread(ask)
    name, slash, rest = ask.model.partition("/")
    if not slash or name.casefold() in VENDORS:
        return ()
    import difflib  # Rarely needed, and not quite light.

    names = {each.casefold(): each for each in (*LOCAL_KINDS, *ask.snapshot.config.providers)}
    near = difflib.get_close_matches(name.casefold(), names, 1, 0.75)
    if not near:
        return ()
    meant = f"{names[near[0]]}/{rest}"
    if near[0] in LOCAL_KINDS and ask.base_url is None:
        raise ModelUnresolved(
            f"`{name}` is no provider, and too near to `{names[near[0]]}` to be sent elsewhere",
            hint=f"did you mean `{meant}`? If not, say where: `{OPENROUTER.name}/{ask.model}`",
        )
    return (f"`{name}` is no provider: did you mean `{meant}`?",)


def _refuse_unread(ask: Ask) -> None:
    """What is said of a private server in a file that cannot be read must not go elsewhere meanwhile."""
    name = ask.model.partition("/")[0]
    if {name.casefold(), ask.model.casefold()} & ask.snapshot.unread:
        raise ModelUnresolved(
            f"the config names `{name}`, but it has an error, and so nobody knows where that leads",
            hint="`agentrouted config check` says what is wrong with it",
        )


def _refuse_file_or_address(model: str) -> None:
    if "://" in model:
        raise ModelUnresolved(f"`{model}` is no web address", hint="an address begins with http:// or https://")
    if "\\" in model or model.startswith((".", "~")) or model.casefold().endswith(".gguf"):
        raise ModelUnresolved(f"`{model}` looks like a file of this machine", hint=f"run it with `local/{model}`")
