"""What importing has in common: our config as it is written."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from agentrouted.core.config.document import KeyPath, dotted
from agentrouted.core.config.foreign import Foreign
from agentrouted.core.config.known_servers import KnownServer, known_server
from agentrouted.core.config.section import web_address
from agentrouted.core.loopback import is_loopback
from agentrouted.core.secrets import name_without_keys

Fit = Literal["exact", "approximate", "unsupported"]
# What a resource of Azure wants, whatever its provider is called here.
AZURE_QUIRKS: Final = {"key_header": "api-key", "parameters": {"max_tokens": "max_completion_tokens"}}

Endpoint = dict[str, Any]
"""`provider` and `model`, and perhaps a `weight`, as they stand in our config."""


@dataclass(frozen=True)
class Finding:
    """What became of one place of the file."""

    fit: Fit
    path: KeyPath
    """In the file that was read."""

    message: str
    hint: str | None = None

    @property
    def dotted(self) -> str:
        return dotted(self.path)


@dataclass(frozen=True)
class Imported:
    config: Mapping[str, Any]
    """Our config, as it could stand in our file; variables are not put in."""

    sources: Mapping[KeyPath, KeyPath]
    """Of places in `config`, where they come from in the file that was read."""

    findings: tuple[Finding, ...]


class Draft:
    """Our config, as a format writes it, and what there is to be said about it."""

    def __init__(self, foreign: Foreign) -> None:
        self.foreign = foreign
        self.providers: dict[str, dict[str, Any]] = {}
        self.models: dict[str, Any] = {}
        self._names: dict[tuple[object, ...], str] = {}
        self._sources: dict[KeyPath, KeyPath] = {}
        self._findings: list[Finding] = []

    def tell(self, fit: Fit, path: KeyPath, message: str, hint: str | None = None) -> None:
        self._findings.append(Finding(fit, path, message, hint))

    def key(self, value: str | None, path: KeyPath) -> str | None:
        """An API key; one that is written out is told, since a file is no good place for it."""
        if value and "${" not in value:
            self.tell(
                "approximate", path, "the key is carried over as it is written", "better: put it into the environment"
            )
        return value

    def address(self, value: str | None, path: KeyPath) -> str | None:
        """A base URL, if it is one; the `<your endpoint>` of examples is none."""
        if value is None or "${" in value:
            return value
        try:
            return web_address(value)
        except PydanticCustomError as error:
            self.tell("unsupported", path, f"this address {error.message()}", "write the real one")
            return None

    def provider(self, name: str, settings: Mapping[str, Any], path: KeyPath) -> None:
        """A provider whose name is in the file itself."""
        self.providers[name] = {key: value for key, value in settings.items() if value}
        self._sources[("providers", name)] = path
        if base := settings.get("api_base"):
            self._tell_elsewhere(name, base, path)

    def provider_for(
        self, server: KnownServer | None, settings: Mapping[str, Any], path: KeyPath, *, name: str | None = None
    ) -> str:
        """The name of a provider with these settings: the one in the file, or else one that fits."""
        found = {key: value for key, value in settings.items() if value}
        if server and found.get("api_base", "").rstrip("/") in ("", server.base):
            found.pop("api_base", None)
        identity = (name, *self._identity(server, found))
        if known := self._names.get(identity):
            self.providers[known] = {**found, **self.providers[known]}
            return known
        called = self._free(name.replace("/", "-") if name else _fitting_name(server, found.get("api_base")))
        self._names[identity] = called
        self.provider(called, whole(called, server, found), path)
        return called

    def model(
        self,
        name: str,
        endpoints: Iterable[Endpoint],
        path: KeyPath,
        *,
        strategy: str = "priority",
        more: Mapping[str, Any] | None = None,
        unlike: str | None = None,
    ) -> None:
        """A name under `models`, if it can be one of ours; `unlike` says in what it differs from what was read."""
        chain = list(endpoints)
        if why := self._why_not(name, chain):
            self.tell("unsupported", path, f"`{name}` is left out: {why[0]}", why[1])
            return
        if strategy == "priority" or len(chain) == 1:
            strategy, chain = "priority", [_without_weight(endpoint) for endpoint in chain]
        kept = {"strategy": strategy} if strategy != "priority" else {}
        self.models[name] = {**kept, "endpoints": chain, **(more or {})} if kept or more else chain
        self._sources[("models", name)] = path
        self.tell("approximate" if unlike else "exact", path, f"`{name}` is read{f': {unlike}' if unlike else ''}")
        self._tell_crossing(name, chain, path)

    def is_local(self, endpoint: Endpoint) -> bool:
        """True if what is sent there stays on this machine."""
        name = endpoint.get("provider")
        if name is None:
            return all(map(self.is_local, self.endpoints_of(endpoint["model"])))
        base = self.providers.get(name, {}).get("api_base")
        return _stays_here(base) if base else _local_kind(name) is not None

    def endpoints_of(self, name: str) -> list[Endpoint]:
        model = self.models.get(name, [])
        endpoints: list[Endpoint] = model["endpoints"] if isinstance(model, dict) else model
        return endpoints

    def finish(self, *, hints: Mapping[str, str]) -> Imported:
        """Tells of all that nobody has looked at; `hints` says more of it, by its last name."""
        for path in self.foreign.unseen():
            hint = next((hints[name] for name in map(str, reversed(path)) if name in hints), None)
            self.tell("unsupported", path, "this has no counterpart here and no effect", hint)
        written = {"providers": self.providers, "models": self.models}
        config = {name: value for name, value in written.items() if value}
        return Imported(config, self._sources, tuple(self._findings))

    def _why_not(self, name: str, chain: list[Endpoint]) -> tuple[str, str] | None:
        if not chain:
            return "none of its endpoints can be used", "see what is told of them"
        if not name.strip() or name != name.strip() or not _PATTERN.fullmatch(name):
            return "such a pattern is not understood", "one `*` is, as in `claude-*` or `*-mini`"
        if (kind := _local_kind(name.partition("/")[0])) and "/" in name and not all(map(self.is_local, chain)):
            return f"`{kind}/…` is for this machine, and this would send it away", "give it another name"
        if name in self.models:
            return "it is there already", "the first one counts"
        return None

    def _tell_elsewhere(self, name: str, base: str, path: KeyPath) -> None:
        """A name that stands for one place, and here for another."""
        server = known_server(name)
        if server is None or server.name != name.casefold() or server.needs_address:
            return
        if server.is_local_kind and not _stays_here(base):
            message = f"`{name}/…` leaves this machine: it goes to {_host(base)}"
            self.tell("approximate", path, message, f"give it another name if `{name}` is to stay here")
        if not server.is_local_kind and _host(base) != _host(server.base):
            message = f"`{name}/…` goes to {_host(base)}, and so does the key in {server.key_variable} if there is one"
            self.tell("approximate", path, message, "give it another name if that key is for the vendor alone")

    def _tell_crossing(self, name: str, chain: list[Endpoint], path: KeyPath) -> None:
        away = [endpoint for endpoint in chain if not self.is_local(endpoint)]
        if away and len(away) < len(chain):
            there = " and ".join(dict.fromkeys(str(endpoint.get("provider") or endpoint["model"]) for endpoint in away))
            message = f"`{name}` is not only on this machine: it also goes to {there}, as it is written here"
            hint = f"write `models.{name}` in your own config to have it otherwise, or run it with `boundary: local`"
            self.tell("approximate", path, message, hint)

    def _identity(self, server: KnownServer | None, settings: Mapping[str, Any]) -> tuple[object, ...]:
        # A key that is looked for in its usual place is the same as one that is named there.
        usual = server.key if server and "api_base" not in settings else None
        return server and server.name, repr(sorted({**settings, "api_key": settings.get("api_key", usual)}.items()))

    def _free(self, name: str) -> str:
        taken = {each.casefold() for each in self.providers}
        names = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
        return next(each for each in names if each.casefold() not in taken)


_PATTERN: Final = re.compile(r"[^*]*\*?[^*]*")


def whole(name: str, server: KnownServer | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """With all that the name alone does not say."""
    written = {key: value for key, value in settings.items() if value}
    if server is None or (name == server.name and not server.needs_address):
        return written
    # A key is for its own host: it is not looked for where another address is written.
    key = None if {"api_base", "accounts"} & written.keys() else server.key
    own = {"api_base": server.base, "api_key": key, "api_protocol": server.protocol}
    return {**{key: value for key, value in own.items() if value}, **written}


def _local_kind(name: str) -> str | None:
    server = known_server(name)
    return server.name if server and server.is_local_kind and server.name == name.casefold() else None


def _host(base: str) -> str:
    try:
        return urlsplit(base).hostname or base
    except ValueError:
        return base


def _stays_here(base: str) -> bool:
    return is_loopback(_host(base))


def _fitting_name(server: KnownServer | None, base: str | None) -> str:
    if server and (not base or (server.is_local_kind and _stays_here(base))):
        return server.name
    if variable := re.search(r"\$\{(\w+)", base or ""):
        return variable[1].lower()
    try:
        parts = urlsplit(base or "")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not re.fullmatch(r"[a-z0-9._-]+", host):
        return "server"
    here = "localhost" if is_loopback(host) else host
    name = f"{here}-{port}" if port else here
    return name if name == name_without_keys(name) else "server"


def _without_weight(endpoint: Endpoint) -> Endpoint:
    return {key: value for key, value in endpoint.items() if key != "weight"}
