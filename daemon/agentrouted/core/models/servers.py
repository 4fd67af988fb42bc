"""What the model servers of this machine say, kept a while."""

import asyncio
import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import (
    AgentroutedError,
    ProviderAuth,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
)
from agentrouted.core.keys.keys import Keys
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.routing.vendors import LOCAL_KINDS
from agentrouted.core.wire.advice import start_it
from agentrouted.core.wire.held import Held, held_models, is_well
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.models import list_models
from agentrouted_protocol.routing import LoadedModel, LocalServer, ModelState

SERVER_KINDS: Final = frozenset(kind for kind in LOCAL_KINDS if kind != "local")

_FRESH_SECONDS: Final = 60.0

# With one model, these answer for it whatever name they are given.
_ANSWER_TO_ANY_NAME: Final = frozenset({"llamacpp", "tgi"})


@dataclass(frozen=True, slots=True)
class Server:
    """What a local server said, and when: its models, or why there are none."""

    kind: str
    endpoint: Endpoint | None
    """None where the config gives it no address that can be used."""

    state: ModelState
    mend: str | None = None
    models: tuple[str, ...] = ()
    held: Mapping[str, Held] | None = None
    software: str | None = None
    """Who answers there, where that can be told."""

    error: AgentroutedError | None = None
    asked_at: float = field(default_factory=time.monotonic)

    def has(self, model_id: str) -> bool:
        """Ollama takes a name without a tag for its `latest`."""
        if len(self.models) == 1 and self.kind in _ANSWER_TO_ANY_NAME:
            return True
        return _bare(model_id) in {_bare(model) for model in self.models}

    def holding(self, model_id: str) -> Held | None:
        """None where that is not known."""
        if self.held is None:
            return None
        by_bare_name = {_bare(model): held for model, held in self.held.items()}
        return by_bare_name.get(_bare(model_id), Held(loaded=False))

    def is_at(self, addresses: Container[str]) -> bool:
        return self.endpoint is not None and self.endpoint.base_url in addresses

    def to_wire(self) -> LocalServer:
        held = (self.held or {}).items()
        return LocalServer(
            kind=self.kind,
            base_url=self.endpoint.base_url if self.endpoint else None,
            state=self.state,
            software=self.software,
            models=len(self.models),
            loaded=[LoadedModel(id=model, context_window=each.window) for model, each in held if each.loaded],
            mend=self.mend,
        )


class Servers:
    """Asks each address once a minute."""

    def __init__(self, http: HttpClient, keys: Keys) -> None:
        self._http = http
        self._keys = keys
        self._said: dict[tuple[str, str], Server] = {}

    async def ask(self, snapshot: Snapshot, kinds: Iterable[str], *, refresh: bool) -> Mapping[str, Server]:
        """By kind, in their usual order."""
        wanted = [kind for kind in LOCAL_KINDS if kind in kinds]
        answers = await asyncio.gather(*(self._ask(snapshot, kind, refresh) for kind in wanted))
        addresses = Counter(server.endpoint.base_url for server in answers if server.endpoint)
        # One address was given for all of them (`LOCAL_LLM_BASE_URL`): whoever answers there is meant.
        shared = {address for address, kinds_there in addresses.items() if kinds_there > 1}
        return {server.kind: _as_meant(server) if server.is_at(shared) else server for server in answers}

    async def _ask(self, snapshot: Snapshot, kind: str, refresh: bool) -> Server:
        try:
            endpoint = resolve(snapshot, f"{kind}/MODEL").endpoints[0].endpoint
        except AgentroutedError as error:
            return Server(kind, None, "unknown", error.hint, error=error)
        known = self._said.get((kind, endpoint.base_url))
        if known and not refresh and time.monotonic() - known.asked_at <= _FRESH_SECONDS:
            return known
        try:
            said = await _look_at(self._http, kind, await self._keys.given(endpoint, None))
        except ProviderAuth as error:
            said = Server(kind, endpoint, "unknown", error.hint, error=error)
        self._said[kind, endpoint.base_url] = said
        return said


async def _look_at(http: HttpClient, kind: str, endpoint: Endpoint) -> Server:
    try:
        listed = await list_models(http, endpoint)
    except AgentroutedError as error:
        return _without_list(kind, endpoint, error)
    software = next((model.software for model in listed if model.software), None)
    held, well = await asyncio.gather(held_models(http, endpoint), is_well(http, endpoint))
    models = tuple(model.id for model in listed)
    server = Server(kind, endpoint, "ready", models=models, held=held, software=software)
    if not well:
        state, mend = _UNWELL[kind]
        return replace(server, state=state, mend=mend.format(model=models[0] if models else "MODEL"))
    return _as_another(server, software) if software in SERVER_KINDS - {kind} else server


# What it means that `/health` says no.
_UNWELL: Final[Mapping[str, tuple[ModelState, str]]] = {
    "llamacpp": ("loading", "wait until it has loaded the model"),
    "tgi": ("loading", "wait until it has loaded the model; if it stays so, look into its log"),
    "vllm": (
        "unknown",
        "its engine has ended: start it again with `vllm serve {model}`; if its log says that memory is short, with "
        "`--max-model-len 4096`",
    ),
}


def _without_list(kind: str, endpoint: Endpoint, error: AgentroutedError) -> Server:
    if isinstance(error, ProviderUnreachable | ProviderTimeout):
        return Server(kind, endpoint, "serverDown", start_it(endpoint), error=error)
    if error.details and error.details.get("state") == "loading":
        return Server(kind, endpoint, "loading", error.hint, error=error)
    if isinstance(error, ProviderAuth) or (isinstance(error, ProviderError) and error.is_server_fault):
        return Server(kind, endpoint, "unknown", error.hint or error.message, error=error)
    return _as_another(Server(kind, endpoint, "unknown", error=error), None)


def _as_another(server: Server, software: str | None) -> Server:
    """Something else listens where this kind is looked for."""
    assert server.endpoint is not None
    (variable, *_), address = LOCAL_KINDS[server.kind].base_variables, server.endpoint.base_url
    elsewhere = f"if {server.kind} listens elsewhere, set {variable}"
    if software is None:
        return replace(server, state="wrongServer", mend=elsewhere)
    theirs = LOCAL_KINDS[software].base_variables[0]
    return replace(
        server,
        state="wrongServer",
        mend=f"{software} answers there: `export {theirs}={address}`, and write `{software}/…`; {elsewhere}",
    )


def _as_meant(server: Server) -> Server:
    return replace(server, state="ready", mend=None) if server.state == "wrongServer" and server.software else server


def _bare(model_id: str) -> str:
    return model_id.removesuffix(":latest")
