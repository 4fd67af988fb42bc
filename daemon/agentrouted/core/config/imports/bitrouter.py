"""BitRouter: `bitrouter.yaml`, of its versions 0 and 1."""

# https://github.com/bitrouter/bitrouter, `crates/bitrouter-sdk/src/config`

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from agentrouted.core.config.document import KeyPath
from agentrouted.core.config.foreign import Foreign
from agentrouted.core.config.imports.base import Draft, Endpoint, Imported, whole
from agentrouted.core.config.known_servers import KnownServer, known_server, known_server_at

HINTS: Final = {
    "server": "the daemon has its own door",
    "rate_limits": "a server that is busy is asked again, and the next endpoint after it",
    "mcp_servers": "write them under `mcp_servers` yourself: they are commands",
    "presets": "write an agent with this `model` and `instructions` under `agents`",
    "total_secs": "runs have a `timeout`",
}
_PROTOCOLS: Final = {
    "chat_completions": "chat_completions",
    "openai": "chat_completions",
    "responses": "openai_responses",
    "messages": "anthropic_messages",
    "anthropic": "anthropic_messages",
    "generate_content": "gemini_generate_content",
    "google": "gemini_generate_content",
}
_INHERITED: Final = {"api_base", "api_protocol", "models", "env_prefix"}
_LAST: Final = float("inf")


def read(foreign: Foreign) -> Imported:
    reading = _Reading(foreign)
    reading.read()
    return reading.draft.finish(hints=HINTS)


@dataclass(frozen=True)
class _Provider:
    accounts: tuple[str, ...]
    """Its names in our config: one for each key."""

    shared: bool
    """Its accounts take turns."""

    models: Mapping[str, str]
    """What it calls the models that it declares, by the names that clients use."""

    priority: float = _LAST

    def endpoints(self, model: str) -> list[Endpoint]:
        return [{"provider": name, "model": self.models.get(model, model)} for name in self.accounts]


class _Reading:
    def __init__(self, foreign: Foreign) -> None:
        self.foreign = foreign
        self.draft = Draft(foreign)
        self.providers: dict[str, _Provider] = {}
        self.declared: dict[str, KeyPath] = {}

    def read(self) -> None:
        self.foreign.take("inherit_defaults")
        for name in self.foreign.names("providers"):
            self._provider(name)
        for name in self.foreign.names("models"):
            self._virtual_model(name)
        self._cascades()

    def _provider(self, name: str) -> None:
        path = ("providers", name)
        for ignored in ("auto_discover", "class", "account_strategy", "derives"):
            self.foreign.take(*path, ignored)
        if self.foreign.take(*path, "active") is False:
            self.foreign.take(*path)
            self.draft.tell("exact", path, f"`{name}` is left out, since it is not active")
            return
        parent = self.foreign.at(*path, "derives")
        server = known_server(name) or (known_server(parent) if isinstance(parent, str) else None)
        settings = self._settings(name)
        if not settings["api_base"] and server is None:
            self.foreign.take(*path)
            hint = "write its `api_base`"
            self.draft.tell("unsupported", path, f"`{name}` is left out: nothing says where it is", hint)
            return
        self._keep(name, server, settings)

    def _keep(self, name: str, server: KnownServer | None, settings: dict[str, Any]) -> None:
        path = ("providers", name)
        models = dict(self._models(self._path(name, "models"), settings))
        settings["api_protocol"] = self._protocols(name, settings, models)
        accounts = self._accounts(name, settings) or [(name, settings)]
        for called, its_settings in accounts:
            self.draft.provider(called, whole(called, server, its_settings), path)
        shared = self.foreign.at(*path, "account_strategy") == "balance" and len(accounts) > 1
        priority = self.foreign.take(*path, "priority")
        rank = float(priority) if isinstance(priority, int) else _LAST
        self.providers[name] = _Provider(tuple(called for called, _ in accounts), shared, models, rank)
        self.draft.tell("exact", path, f"the provider `{name}` is read")

    def _settings(self, name: str) -> dict[str, Any]:
        path = ("providers", name)
        key = self.foreign.text(*path, "api_key")
        prefix = self.foreign.text(*self._path(name, "env_prefix"))
        base = self._path(name, "api_base")
        headers = self.foreign.take(*path, "default_headers")
        read_seconds = self.foreign.number(*path, "timeouts", "read_secs")
        timeouts = {
            "connect": self.foreign.number(*path, "timeouts", "connect_secs"),
            "first_byte": read_seconds,
            "idle": read_seconds,
        }
        return {
            "api_base": self.draft.address(self.foreign.text(*base), base),
            "api_key": self.draft.key(key, (*path, "api_key")) or (f"${{{prefix}_API_KEY}}" if prefix else None),
            "headers": headers if isinstance(headers, dict) else None,
            "timeouts": {what: seconds for what, seconds in timeouts.items() if seconds},
        }

    def _path(self, name: str, key: str) -> KeyPath:
        """Where a value of this provider stands: its own, or that of the one it derives from."""
        seen: list[str] = []
        while name not in seen and not self.foreign.at("providers", name, key):
            seen.append(name)
            parent = self.foreign.at("providers", name, "derives")
            if key not in _INHERITED or not isinstance(parent, str):
                break
            name = parent
        return ("providers", name, key)

    def _accounts(self, name: str, settings: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """The provider with its accounts; where they take turns or have addresses of their own, one for each."""
        path = ("providers", name, "accounts")
        keys: dict[str, str | None] = {}
        bases: list[str | None] = []
        for number in self.foreign.numbers(*path):
            here = (*path, number)
            label = re.sub(r"[^\w.-]", "-", self.foreign.text(*here, "label") or f"account-{number + 1}")
            label = label if label not in keys else f"{label}-{number + 1}"
            keys[label] = self.draft.key(self.foreign.text(*here, "api_key"), (*here, "api_key"))
            bases.append(self.draft.address(self.foreign.text(*here, "api_base"), (*here, "api_base")))
        if not any(bases) and self.foreign.at("providers", name, "account_strategy") != "balance":
            accounts = {label: key for label, key in keys.items() if key}
            return [(name, {**settings, "accounts": accounts, "api_key": None})] if accounts else []
        if keys:
            self.draft.tell("approximate", path, f"each account is a provider of its own: `{name}`, `{name}-…`")
        called = [name, *(f"{name}-{label}" for label in list(keys)[1:])]
        return [
            (its_name, {**settings, "api_base": base or settings["api_base"], "api_key": key})
            for its_name, base, key in zip(called, bases, keys.values(), strict=False)
        ]

    def _models(self, path: KeyPath, settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """The names that clients use, and the provider's own. What is known of them goes to `settings`."""
        known: dict[str, dict[str, Any]] = {}
        for part in (*self.foreign.numbers(*path), *self.foreign.names(*path)):
            here = (*path, part)
            name = part if isinstance(part, str) else self.foreign.text(*here, "id") or self.foreign.text(*here)
            if not name:
                continue
            model = self.foreign.text(*here, "provider_model_id") or name
            price = self._price((*here, "pricing"))
            known.setdefault(model, {"id": model, **({"price": price} if price else {})})
            self.foreign.take(*here, "id")
            self.declared.setdefault(name, here)
            yield name, model
        settings["models"] = list(known.values())

    def _price(self, path: KeyPath) -> dict[str, float]:
        """A millionth of a dollar for a token is a dollar for a million of them."""
        places = {
            "input": (("input_micro_usd_per_token",), ("input_tokens", "no_cache")),
            "output": (("output_micro_usd_per_token",), ("output_tokens", "text")),
            "cached": (("cache_read_micro_usd_per_token",), ("input_tokens", "cache_read")),
        }
        found = {
            name: next((price for way in ways if (price := self.foreign.price(*path, *way)) is not None), None)
            for name, ways in places.items()
        }
        prices = {name: price for name, price in found.items() if price is not None}
        return prices if {"input", "output"} <= prices.keys() else {}

    def _protocols(self, name: str, settings: Mapping[str, Any], models: Mapping[str, str]) -> Any:
        rows = dict(self._protocol_rows(self._path(name, "api_protocol")))
        server = known_server_at(settings["api_base"]) if settings["api_base"] else None
        if not rows and server and server.protocol and not server.is_local_kind:
            rows["*"] = server.protocol
        path = self._path(name, "models")
        overrides = {
            str(self.foreign.at(*path, number, "id")): protocol
            for number in self.foreign.numbers(*path)
            if (protocol := self._protocol((*path, number, "api_protocol")))
        }
        ordered = sorted(rows.items(), key=lambda row: (row[0].endswith("*"), -len(row[0])))
        # They go by the names that clients use, ours by those that the provider uses.
        for asked, model in models.items():
            wanted = overrides.get(asked) or _first(ordered, asked)
            if wanted and wanted != _first(ordered, model):
                ordered.insert(0, (model, wanted))
        is_one = "*" in rows and len({protocol for _, protocol in ordered}) == 1
        return rows["*"] if is_one else [{pattern: protocol} for pattern, protocol in ordered]

    def _protocol_rows(self, path: KeyPath) -> Iterator[tuple[str, str]]:
        if protocol := self._protocol(path):
            yield "*", protocol
            return
        for part in (path, *((*path, number) for number in self.foreign.numbers(*path))):
            for pattern in self.foreign.names(*part):
                if protocol := self._protocol((*part, pattern)):
                    yield pattern, protocol

    def _protocol(self, path: KeyPath) -> str | None:
        """The one to speak; of several, the first, as they prefer it."""
        names = self.foreign.texts(*path)
        known = [_PROTOCOLS[name.lower()] for name in names if name.lower() in _PROTOCOLS]
        if names and not known:
            self.draft.tell("unsupported", path, f"`{names[0]}` is not spoken here")
        return known[0] if known else None

    def _virtual_model(self, name: str) -> None:
        path = ("models", name)
        strategy = self.foreign.text(*path, "strategy") or "priority"
        chain = [each for number in self.foreign.numbers(*path, "endpoints") for each in self._endpoint(path, number)]
        if upstream := self.foreign.text(*path, "upstream_id"):
            chain = self._upstream(upstream)
        unlike = None
        if strategy == "cascade":
            chain.sort(key=lambda endpoint: str(endpoint.get("provider", "")))
            unlike = "the providers are tried in the order of their names"
        elif strategy not in ("priority", "load_balance"):
            unlike = f"`{strategy}` is not known here, so they are tried in order"
        ours = "balance" if strategy == "load_balance" else "priority"
        self.draft.model(name, chain, path, strategy=ours, unlike=unlike)

    def _endpoint(self, path: KeyPath, number: int) -> list[Endpoint]:
        here = (*path, "endpoints", number)
        name, model = self.foreign.text(*here, "provider"), None
        for key in ("service_id", "model_id", "model"):
            model = model or self.foreign.text(*here, key)
        if name is None or model is None:
            return []
        if not (provider := self._known(name, here)):
            return []
        base = self.draft.address(self.foreign.text(*here, "api_base"), (*here, "api_base"))
        own = {"api_base": base, "api_key": self.foreign.text(*here, "api_key")}
        if not any(own.values()):
            return provider.endpoints(model)
        self.draft.key(own["api_key"], (*here, "api_key"))
        settings = {**self.draft.providers[provider.accounts[0]], **{key: value for key, value in own.items() if value}}
        called = self.draft.provider_for(known_server(name), settings, here)
        return [{"provider": called, "model": provider.models.get(model, model)}]

    def _known(self, name: str, path: KeyPath) -> _Provider | None:
        if name not in self.providers and "providers" in self.foreign.data and self.foreign.at("providers", name):
            self.draft.tell("exact", path, f"this endpoint is left out, as its provider `{name}` is")
            return None
        if name not in self.providers and (server := known_server(name)):
            self.draft.provider(name, whole(name, server, {}), path)
            self.providers[name] = _Provider((name,), False, {})
        if name not in self.providers:
            self.draft.tell(
                "unsupported", path, f"left out: nothing says where `{name}` is", "add it under `providers`"
            )
        return self.providers.get(name)

    def _upstream(self, text: str) -> list[Endpoint]:
        declaring = self._declaring(text)
        if declaring:
            return [endpoint for provider in declaring for endpoint in provider.endpoints(text)]
        name, _, model = text.replace(":", "/", 1).partition("/") if ":" in text else text.partition("/")
        if model and name in self.providers:
            return self.providers[name].endpoints(model)
        return [{"model": text}]

    def _declaring(self, model: str) -> list[_Provider]:
        ranked = sorted(self.providers.items(), key=lambda item: (item[1].priority, item[0]))
        return [provider for _, provider in ranked if model in provider.models]

    def _cascades(self) -> None:
        """A model is asked for by its name alone: all providers that declare it are tried."""
        for model, path in self.declared.items():
            if model in self.foreign.names("models"):
                continue
            declaring = self._declaring(model)
            chain = [endpoint for provider in declaring for endpoint in provider.endpoints(model)]
            stays = [number for number, endpoint in enumerate(chain) if self.draft.is_local(endpoint)]
            unlike = None
            if stays and stays != list(range(stays[0], len(chain))):
                # Nobody has written this chain: it must not lead from this machine to the cloud.
                chain = [each for number, each in enumerate(chain) if number <= stays[0] or number in stays]
                unlike = "after a server on this machine, no other is tried; write the chain out under `models`"
            shared = len(declaring) == 1 and declaring[0].shared
            strategy = "balance" if shared else "priority"
            self.draft.model(model, chain, path, strategy=strategy, unlike=unlike)


def _first(rows: list[tuple[str, str]], model: str) -> str | None:
    return next((protocol for pattern, protocol in rows if fnmatchcase(model, pattern)), None)
