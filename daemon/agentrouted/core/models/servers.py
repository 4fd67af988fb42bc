"""What the model servers of this machine say, kept a while."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.errors import AgentroutedError, ProviderTimeout, ProviderUnreachable
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.routing.vendors import LOCAL_KINDS
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.models import list_models

SERVER_KINDS: Final = frozenset(kind for kind in LOCAL_KINDS if kind != "local")

_FRESH_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """What a local server said, and when: its models, or why there are none."""

    asked_at: float
    models: tuple[str, ...]
    error: AgentroutedError | None = None

    @property
    def is_down(self) -> bool:
        return isinstance(self.error, ProviderUnreachable | ProviderTimeout)

    def has(self, model_id: str) -> bool:
        """Ollama takes a name without a tag for its `latest`."""
        return model_id.removesuffix(":latest") in {model.removesuffix(":latest") for model in self.models}


class Servers:
    """Asks each address once a minute."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._said: dict[str, Server] = {}

    async def ask(self, snapshot: Snapshot, kinds: Iterable[str], *, refresh: bool) -> Mapping[str, Server]:
        """By kind, in their usual order."""
        wanted = [kind for kind in LOCAL_KINDS if kind in kinds]
        answers = await asyncio.gather(*(self._ask(snapshot, kind, refresh) for kind in wanted))
        return dict(zip(wanted, answers, strict=True))

    async def _ask(self, snapshot: Snapshot, kind: str, refresh: bool) -> Server:
        try:
            endpoint = resolve(snapshot, f"{kind}/MODEL").endpoints[0].endpoint
        except AgentroutedError as error:
            return Server(time.monotonic(), (), error)
        known = self._said.get(endpoint.base_url)
        if known and not refresh and time.monotonic() - known.asked_at <= _FRESH_SECONDS:
            return known
        try:
            said = Server(time.monotonic(), tuple(await list_models(self._http, endpoint)))
        except AgentroutedError as error:
            said = Server(time.monotonic(), (), error)
        self._said[endpoint.base_url] = said
        return said
