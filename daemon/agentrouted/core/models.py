"""What can run now: names of the config, servers here, files."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agentrouted.core.config.virtual_model import Chain
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.local.catalog import find_models
from agentrouted.core.local.known import KNOWN_MODELS
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.routing.vendors import LOCAL_KINDS
from agentrouted.core.services import EMBEDDED, Services
from agentrouted.core.wire.models import list_models
from agentrouted_protocol.routing import ModelEntry, ModelListParams, ModelListResult

_FRESH_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Server:
    """What a local server said, and when: its models, or why there are none."""

    asked_at: float
    models: tuple[str, ...]
    error: AgentroutedError | None = None


class ModelList:
    """Answers `model/list`. What local servers say is kept for a minute."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._servers: dict[str, _Server] = {}

    async def answer(self, params: ModelListParams) -> ModelListResult:
        """Models by provider. Asks the servers of this machine; nothing leaves it."""
        kinds = [kind for kind in LOCAL_KINDS if kind != "local" and params.provider in (None, kind)]
        answers = await asyncio.gather(*(self._ask(kind, params.refresh) for kind in kinds))
        servers = dict(zip(kinds, answers, strict=True))
        entries = [*self._virtual(servers), *self._configured(servers), *_served(servers), *await self._files()]
        wanted = [entry for entry in entries if params.provider in (None, entry.provider)]
        warnings = [_told(kind, server.error) for kind, server in servers.items() if server.error is not None]
        return ModelListResult(models=wanted, warnings=warnings)

    async def _ask(self, kind: str, refresh: bool) -> _Server:
        known = self._servers.get(kind)
        if known is None or refresh or time.monotonic() - known.asked_at > _FRESH_SECONDS:
            known = self._servers[kind] = await self._ask_now(kind)
        return known

    async def _ask_now(self, kind: str) -> _Server:
        try:
            endpoint = self._resolve(f"{kind}/MODEL").endpoint
            models = await list_models(self._services.http, endpoint)
        except AgentroutedError as error:
            return _Server(time.monotonic(), (), error)
        return _Server(time.monotonic(), tuple(models))

    def _resolve(self, model: str) -> ResolvedEndpoint:
        return resolve(self._services.config.current, model).endpoints[0]

    def _virtual(self, servers: dict[str, _Server]) -> Iterator[ModelEntry]:
        models: dict[str, Chain] = dict(self._services.config.current.config.models)
        for name in models:
            if not name.endswith("*"):
                yield self._entry(name, "config", servers)

    def _configured(self, servers: dict[str, _Server]) -> Iterator[ModelEntry]:
        for name, provider in self._services.config.current.config.providers.items():
            for model in provider.models:
                yield self._entry(f"{name}/{model.id}", name, servers)

    def _entry(self, name: str, provider: str, servers: dict[str, _Server]) -> ModelEntry:
        try:
            return _entry(name, provider, self._resolve(name), servers)
        except AgentroutedError as error:
            return ModelEntry(model=name, provider=provider, state="unknown", mend=error.hint or error.message)

    async def _files(self) -> list[ModelEntry]:
        found = await asyncio.to_thread(find_models, self._services.model_folders)
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


def _served(servers: dict[str, _Server]) -> Iterator[ModelEntry]:
    for kind, server in servers.items():
        for model in server.models:
            yield ModelEntry(model=f"{kind}/{model}", provider=kind, state="ready")


def _entry(name: str, provider: str, first: ResolvedEndpoint, servers: dict[str, _Server]) -> ModelEntry:
    """The state of a name by the first endpoint of its chain."""
    endpoint, server = first.endpoint, servers.get(first.endpoint.provider)
    entry = ModelEntry(model=name, provider=provider, state="ready", context_window=endpoint.context_window)
    if endpoint.base_url.startswith(EMBEDDED):
        return entry
    if server is not None and server.error is not None:
        return entry.model_copy(update={"state": "serverDown", "mend": server.error.hint or server.error.message})
    if server is not None and endpoint.model_id not in server.models:
        return entry.model_copy(update={"state": "notPulled", "mend": f"pull `{endpoint.model_id}` there"})
    if first.auth.source == "none":
        return entry.model_copy(update={"state": "noKey", "mend": first.auth.hint})
    return entry


def _told(kind: str, error: AgentroutedError) -> str:
    return f"{kind} does not answer: {error.hint or error.message}"
