"""Answers `model/list`."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.endpoint import Boundary, Endpoint
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.local.catalog import ModelFolders, find_models, locate
from agentrouted.core.local.known import KNOWN_MODELS
from agentrouted.core.models.profiles import told_profiles
from agentrouted.core.models.servers import SERVER_KINDS, Server, Servers
from agentrouted.core.prices.table import PriceTable
from agentrouted.core.routing.candidates import as_told
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.services import EMBEDDED, Services
from agentrouted.core.troubles import Troubles
from agentrouted.core.wire.advice import fetch_it, start_it
from agentrouted_protocol.routing import AuthSource, ModelEntry, ModelListParams, ModelListResult, ModelState


@dataclass(frozen=True, slots=True)
class _Named:
    """A name of the config; its state is that of the first endpoint of its chain."""

    name: str
    provider: str
    first: ResolvedEndpoint


class ModelList:
    """What can run now. What local servers say is kept for a minute."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._servers = Servers(services.http, services.keys)

    async def answer(
        self, params: ModelListParams, *, folders: Sequence[str] = (), asks_client: bool = False
    ) -> ModelListResult:
        """Models by provider. Asks the local servers, wherever the environment and the config say that they are.

        `folders` is where the client works; `asks_client` says that it gives keys that are kept nowhere else.
        """
        snapshot, files = self._services.config.current, self._services.model_folders
        boundary = snapshot.boundary_in(folders)
        names = [each for each in _names(snapshot) if params.provider in (None, each[1])]
        found = [await _find(snapshot, self._services.prices, *each, boundary, asks_client) for each in names]
        leading = {each.first.endpoint.provider for each in found if isinstance(each, _Named)}
        kinds = {kind for kind in SERVER_KINDS if params.provider in (None, kind)} | (leading & SERVER_KINDS)
        servers = await self._servers.ask(snapshot, kinds, refresh=params.refresh)
        troubles = self._services.troubles
        entries = await asyncio.to_thread(lambda: [_entry(each, servers, troubles, files) for each in found])
        entries += [entry for entry in _served(servers, troubles) if params.provider in (None, entry.provider)]
        if params.provider in (None, "local"):
            entries += await asyncio.to_thread(_files, files)
        # A model may be written in the config and served, too: what the config says of it comes first.
        by_model = {entry.model: entry for entry in reversed(entries)}
        return ModelListResult(
            models=list(reversed(by_model.values())),
            servers=[server.to_wire() for server in servers.values()],
            profiles=await told_profiles(self._services.profiles, params.provider),
            warnings=[_told(kind, server, server.error) for kind, server in servers.items() if server.error],
        )


def _names(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Model strings that the config spells out, each with its provider."""
    for name in snapshot.config.models:
        if "*" not in name:
            yield name, "config"
    for name, provider in snapshot.config.providers.items():
        for model in provider.models:
            yield f"{name}/{model.id}", name


async def _find(
    snapshot: Snapshot, prices: PriceTable, name: str, provider: str, boundary: Boundary | None, asks_client: bool
) -> _Named | ModelEntry:
    try:
        found = resolve(snapshot, name, asks_client=asks_client)
        await prices.load(each.endpoint for each in found.endpoints)
        resolution = as_told(found, boundary, prices)
        return _Named(name, provider, resolution.endpoints[0])
    except AgentroutedError as error:
        return ModelEntry(model=name, provider=provider, state="unknown", mend=error.hint or error.message)


def _entry(
    found: _Named | ModelEntry, servers: Mapping[str, Server], troubles: Troubles, folders: ModelFolders
) -> ModelEntry:
    """Reads the disk."""
    if isinstance(found, ModelEntry):
        return found
    endpoint, server = found.first.endpoint, servers.get(found.first.endpoint.provider)
    entry = ModelEntry(model=found.name, provider=found.provider, state="ready", context_window=endpoint.context_window)
    if endpoint.base_url.startswith(EMBEDDED):
        missing = _missing_file(endpoint.base_url.removeprefix(EMBEDDED), folders)
        return entry.model_copy(update=missing) if missing else _troubled(entry, endpoint, troubles)
    # A server that was asked at another address says nothing of this one.
    if server and server.is_at({endpoint.base_url}):
        return _at_server(entry, endpoint, server, troubles)
    if state := _WITHOUT_KEY.get(found.first.auth.source):
        return entry.model_copy(update={"state": state, "mend": found.first.auth.hint})
    return entry


# Whether the client has one is not known before a run asks for it.
_WITHOUT_KEY: Final[Mapping[AuthSource, ModelState]] = {"none": "noKey", "client": "unknown"}


def _at_server(entry: ModelEntry, endpoint: Endpoint, server: Server, troubles: Troubles) -> ModelEntry:
    held = server.holding(endpoint.model_id)
    if server.state == "serverDown":
        return entry.model_copy(update={"state": "serverDown", "mend": start_it(endpoint)})
    if server.state != "ready":
        return entry.model_copy(update={"state": server.state, "mend": server.mend})
    if not server.has(endpoint.model_id):
        mend = fetch_it(endpoint)
        if server.kind == "lm_studio" and server.held and endpoint.model_id in server.held:
            mend = f"run `lms load {endpoint.model_id}`"
        return entry.model_copy(update={"state": "notPulled", "mend": mend})
    if held is not None:
        window = entry.context_window or held.window
        entry = entry.model_copy(update={"loaded": held.loaded, "context_window": window})
    return _troubled(entry, endpoint, troubles)


def _troubled(entry: ModelEntry, endpoint: Endpoint, troubles: Troubles) -> ModelEntry:
    trouble = troubles.of(endpoint.provider, endpoint.model_id)
    return entry.model_copy(update={"state": trouble.state, "mend": trouble.mend}) if trouble else entry


def _missing_file(name: str, folders: ModelFolders) -> dict[str, str]:
    try:
        locate(name, folders)
    except AgentroutedError as error:
        return {"state": "notPulled", "mend": error.hint or error.message}
    return {}


def _served(servers: Mapping[str, Server], troubles: Troubles) -> Iterator[ModelEntry]:
    for kind, server in servers.items():
        for model in server.models:
            assert server.endpoint is not None
            entry = ModelEntry(model=f"{kind}/{model}", provider=kind, state="ready")
            yield _at_server(entry, replace(server.endpoint, model_id=model), server, troubles)


def _files(folders: ModelFolders) -> list[ModelEntry]:
    found = find_models(folders)
    entries = [
        ModelEntry(model=f"local/{model.name}", provider="local", state="ready", size_bytes=model.size)
        for model in found
    ]
    names = {model.name for model in found}
    missing = [known for known in KNOWN_MODELS.values() if known.name not in names]
    return entries + [
        ModelEntry(
            model=f"local/{known.name}",
            provider="local",
            state="notPulled",
            mend=f"agentrouted models pull {known.name}",
            size_bytes=known.size,
            description=known.note,
        )
        for known in missing
    ]


def _told(kind: str, server: Server, error: AgentroutedError) -> str:
    if server.state == "serverDown":
        return f"{kind} does not answer: {server.mend}"
    return f"{kind}: {error.message}" + (f"; {mend}" if (mend := server.mend or error.hint) else "")
