"""Memory has vectors where the config asks for them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from agentrouted.core.agent.embedding import embedding_for, space_of
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.services import Services

if TYPE_CHECKING:  # loaded where the config asks for vectors
    from agentrouted.core.memory.store import Store
    from agentrouted.core.memory.vectors.vectors import Vectors

logger = logging.getLogger(__name__)


@asynccontextmanager
async def vectors_filled(services: Services) -> AsyncIterator[None]:
    """Within this, what is remembered gets vectors, and gets others when the config names another model."""
    filling = _Filling(services)
    services.memory.when_opened = filling.begin
    unsubscribe = services.config.subscribe(lambda _: filling.look())
    filling.look()
    try:
        yield
    finally:
        unsubscribe()
        await filling.aclose()


class _Filling:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._store: Store | None = None
        self._wanted: tuple[str, str] | None = None
        """The model that is filled with, and what its vectors are called."""

        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self, store: "Store") -> None:
        """From now on this is the memory."""
        self._store = store
        self.look()

    def look(self) -> None:
        """At the config, as it is now."""
        wanted = self._look_up()
        if self._store is None:
            if wanted is not None:
                self._do(self._services.memory.get())
            return
        if wanted == self._wanted:
            if self._store.vectors is not None:
                self._store.vectors.look_anew()
            return
        self._wanted, before = wanted, self._store.vectors
        self._store.vectors = self._open(self._store, *wanted) if wanted else None
        if before is not None:
            self._do(before.aclose())

    async def aclose(self) -> None:
        if self._store is not None and self._store.vectors is not None:
            self._do(self._store.vectors.aclose())
            self._store.vectors = None
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _look_up(self) -> tuple[str, str] | None:
        snapshot = self._services.config.current
        if (settings := snapshot.config.memory.vectors) is None:
            return None
        try:
            return settings.model, space_of(snapshot, settings.model)
        except AgentroutedError as error:
            logger.warning("memory has no vectors: `memory.vectors.model`: %s", error.message)
            return None

    def _open(self, store: "Store", model: str, space: str) -> "Vectors":
        from agentrouted.core.memory.vectors.filling import Asking

        return store.open_vectors(Asking(embedding_for(self._services), model, space))

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
