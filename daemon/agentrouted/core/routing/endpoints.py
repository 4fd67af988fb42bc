"""From a provider and a model to an endpoint with its key."""

from dataclasses import dataclass
from functools import cache

from pydantic import SecretStr

from agentrouted.core.config.provider import Provider as Settings
from agentrouted.core.config.provider import ProviderModel
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.endpoint import Endpoint, Price
from agentrouted.core.quirks.profile import laid
from agentrouted.core.routing.address import Address, read_address
from agentrouted.core.routing.keys import Key, given, key_of_client, no_key, placeholder, stored_keys
from agentrouted.core.routing.providers import Provider, owner_of, with_version
from agentrouted.core.routing.vendors import LOCAL_KINDS, VENDORS, Vendor
from agentrouted_protocol.routing import Auth, RouteEndpoint, TraceStep

_FREE = Price(0, 0, source="local")


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for: a model string, and what the caller says besides."""

    snapshot: Snapshot
    model: str
    api_key: SecretStr | None = None
    base_url: Address | None = None
    inside: tuple[str, ...] = ()
    """The names under `models` that led here."""

    asks_client: bool = False
    """Whether the client gives keys that are kept nowhere else."""


@dataclass(frozen=True, slots=True)
class ResolvedEndpoint:
    """An endpoint ready to be called, and what may be told of its key."""

    endpoint: Endpoint
    auth: Auth
    address: Address
    found: tuple[TraceStep, ...]
    """Where its address and its key come from."""

    def to_route(self, wire: str | None = None) -> RouteEndpoint:
        """What may be told of it; `wire` is the format that was really spoken, where that is known."""
        endpoint = self.endpoint
        return RouteEndpoint(
            provider=endpoint.provider,
            model_id=endpoint.model_id,
            base_url=endpoint.base_url,
            wire=wire or endpoint.wire,
            local=endpoint.local,
            auth=self.auth,
        )


Endpoints = tuple[ResolvedEndpoint, ...]
"""One, or one for each account of its provider."""


def endpoints_of(ask: Ask, provider: Provider, model_id: str) -> Endpoints:
    """The model at `provider`, or at the `baseUrl` that the caller gave."""
    if ask.base_url is None:
        site = _Site(provider.name, provider, provider.address_of(model_id), provider.address_from)
    elif provider.name in LOCAL_KINDS:
        address = with_version(ask.base_url)
        site = _Site(provider.name, provider if provider.is_at(address) else None, address, "`baseUrl`")
    else:
        owner = provider if provider.is_at(ask.base_url) else owner_of(ask.snapshot, ask.base_url)
        site = _Site(provider.name, owner, ask.base_url, "`baseUrl`")
    return _endpoints(ask, site, model_id)


def endpoints_at(ask: Ask, address: Address, source: str, model_id: str) -> Endpoints:
    """The model at an address that stands for itself. If it is a provider's own, what is known of that one holds."""
    owner = owner_of(ask.snapshot, address)
    return _endpoints(ask, _Site(owner.name if owner else address.host, owner, address, source), model_id)


@dataclass(frozen=True, slots=True)
class _Site:
    name: str
    owner: Provider | None
    """The provider whose own address it is. Nobody else's keys and headers go there."""

    address: Address
    source: str


def _endpoints(ask: Ask, site: _Site, model_id: str) -> Endpoints:
    return tuple(_endpoint(site, key, model_id) for key in _keys(ask, site))


def _endpoint(site: _Site, key: Key, model_id: str) -> ResolvedEndpoint:
    settings = (site.owner and site.owner.settings) or _no_settings()
    model = settings.model_named(model_id)
    local = _is_local(site, settings, model_id)
    wire, better_wire = _wires(site, settings, model_id)
    free = _FREE if local or (site.name in LOCAL_KINDS and not _goes_on_to_a_cloud(site, model_id)) else None
    endpoint = Endpoint(
        provider=site.name,
        model_id=model_id,
        base_url=site.address.url,
        socket_path=site.address.socket_path,
        wire=wire,
        local=local,
        better_wire=better_wire,
        api_key=key.value,
        key_source=key.source,
        account=key.account,
        headers={name: value.get_secret_value() for name, value in settings.headers.items()},
        timeouts=settings.timeouts.value,
        retries=settings.retries,
        json_schema=_holds_to_schema(site, model, wire),
        think=model.think if model else None,
        keep_alive=settings.keep_alive,
        context_window=model.context_window if model else None,
        supports_tools=model is None or model.tools is not False,
        configured=_configured(model),
        price=model.price.value if model and model.price else free,
        quirks=laid(settings.quirks.layer, model.quirks.layer if model else {}),
    )
    return ResolvedEndpoint(endpoint, key.auth, site.address, (_base_step(site, endpoint), _key_step(site, key)))


@cache
def _no_settings() -> Settings:
    # Once: all of its defaults are copied each time.
    return Settings()


def _keys(ask: Ask, site: _Site) -> tuple[Key, ...]:
    if ask.api_key:
        return (given(ask.api_key),)
    if kept := stored_keys(ask.snapshot, site.owner, site.address):
        return kept
    if ask.asks_client and _is_hosted(site):
        return (key_of_client(site.owner, site.address),)
    if site.address.loopback or site.name in LOCAL_KINDS:
        return (placeholder(),)
    return (no_key(site.owner, site.address),)


def _is_hosted(site: _Site) -> bool:
    """Whether it is somebody else's, so that it is going to want a key."""
    said = site.owner.settings.local if site.owner and site.owner.settings else None
    if said is not None:
        return not said
    return not site.address.loopback and site.name not in LOCAL_KINDS


def _wires(site: _Site, settings: Settings, model_id: str) -> tuple[str, str | None]:
    """The wire format, and the one to take in its place if the server turns out to have it."""
    if configured := settings.wire_for(model_id, otherwise=""):
        return configured, None
    if kind := LOCAL_KINDS.get(site.name):
        return "chat_completions", kind.better_wire
    vendor = VENDORS.get(site.name)
    # OpenAI's format has an address of its own at vendors that speak another one.
    is_its_own = site.owner and site.owner.name == site.name and not site.address.path.endswith("/openai")
    return vendor.wire if vendor and is_its_own else "chat_completions", None


def _configured(model: ProviderModel | None) -> frozenset[str]:
    """The fields of an endpoint that the config sets, by their names there."""
    said = {"json_schema": "json_schema", "supports_tools": "tools", "context_window": "context_window"}
    return frozenset(field for field, key in said.items() if model and getattr(model, key) is not None)


def _is_local(site: _Site, settings: Settings, model_id: str) -> bool:
    if settings.local is not None:
        return settings.local
    forwards = (site.owner and site.owner.forwards) or _goes_on_to_a_cloud(site, model_id)
    return site.address.loopback and not forwards


def _goes_on_to_a_cloud(site: _Site, model_id: str) -> bool:
    """Ollama sends the calls of models with such a tag to ollama.com: https://docs.ollama.com/cloud."""
    return site.name == "ollama" and model_id.lower().endswith(("-cloud", ":cloud"))


def _holds_to_schema(site: _Site, model: ProviderModel | None, wire: str) -> bool:
    if model and model.json_schema is not None:
        return model.json_schema
    if vendor := VENDORS.get(site.name):
        # Who has a format of its own promises less in OpenAI's.
        is_promised = vendor.json_schema and vendor.wire in (wire, "chat_completions")
        return is_promised and _is_at_home(site, vendor)
    # They make the grammar of a schema, and pick words by it; but in the formats of others they look at none.
    kind = LOCAL_KINDS.get(site.name)
    return kind is not None and kind.json_schema and wire in ("chat_completions", "ollama_chat")


def _is_at_home(site: _Site, vendor: Vendor) -> bool:
    if vendor.base_url is None:
        return site.owner is not None and site.owner.name == vendor.name
    return read_address(vendor.base_url).origin == site.address.origin


def _base_step(site: _Site, endpoint: Endpoint) -> TraceStep:
    why = f"{site.address.url} ({site.source})"
    if endpoint.better_wire:
        why += f"; runs speak `{endpoint.better_wire}` there if the server has it"
    return TraceStep(step="base", outcome="found", why=why)


def _key_step(site: _Site, key: Key) -> TraceStep:
    auth = key.auth
    if auth.source in {"none", "placeholder", "client"}:
        away = site.owner is None or site.owner.name != site.name
        why = f"no key is kept for {site.address.url}" if away else f"no key of `{site.name}` is set"
        return TraceStep(step="key", outcome="missing", why=f"{why}: {auth.hint}" if key.source else why)
    why = auth.name or "`apiKey`"
    return TraceStep(step="key", outcome="found", why=f"{why}: {auth.hint}" if key.source else why)
