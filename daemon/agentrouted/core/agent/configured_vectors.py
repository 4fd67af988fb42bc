"""Memory has vectors where the config asks for them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from agentrouted.core.agent.embedding_calls import embedding_for, space_of
from agentrouted.core.config.memory import VectorSettings
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.services import Services

if TYPE_CHECKING:  # loaded where the config asks for vectors
    from agentrouted.core.memory.store import Store

logger = logging.getLogger(__name__)


@asynccontextmanager
async def vectors_filled(services: Services) -> AsyncIterator[None]:
    """Within this, what is remembered gets vectors, and gets others when the config names another model."""
    filling = _Filling(services)
    before, services.memory.when_opened = services.memory.when_opened, filling.begin
    unsubscribe = services.config.subscribe(lambda _: filling.look())
    filling.look()
    try:
        yield
    finally:
        unsubscribe()
        await filling.aclose()
        services.memory.when_opened = before


class _Filling:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._store: Store | None = None
        self._wanted: tuple[str, str | None] | None = None
        """The model that is filled with, and what its vectors are called: None where it leads nowhere."""

        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self, store: "Store") -> None:
        """From now on this is the memory."""
        self._store = store
        self.look()

    def look(self) -> None:
        """At the config, as it is now."""
        settings = self._services.config.current.config.memory.vectors
        if self._store is None:
            if settings is not None:
                self._do(self._services.memory.get())
            return
        wanted = None if settings is None else (settings.model, self._space(settings.model))
        if wanted != self._wanted:
            self._wanted = wanted
            self._change(self._store, settings)
        elif self._store.vectors is not None:
            self._store.vectors.filler.look_anew()

    async def aclose(self) -> None:
        """Memory that is still being opened is waited for: it begins to be filled then."""
        await self._wait()
        if self._store is not None:
            self._change(self._store, None)
        await self._wait()

    async def _wait(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _change(self, store: "Store", settings: VectorSettings | None) -> None:
        if store.vectors is not None:
            self._do(store.vectors.aclose())
            store.vectors = None
        if settings is not None:
            model, config = settings.model, self._services.config
            store.open_vectors(embedding_for(self._services), model, lambda: space_of(config.current, model))

    def _space(self, model: str) -> str | None:
        try:
            return space_of(self._services.config.current, model)
        except AgentroutedError:
            return None

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.warning("what is remembered gets no vectors: %s", error)
