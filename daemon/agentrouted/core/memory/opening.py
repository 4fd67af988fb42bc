"""The memory of a daemon: on disk where that can be."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agentrouted.core.config.memory import Retention
from agentrouted.core.errors import Storage
from agentrouted.core.opened import Opened
from agentrouted.core.storage.shared import SharedDatabase

if TYPE_CHECKING:  # takes sqlite3 and aiosqlite with it, a tenth of the way to the first answer
    from agentrouted.core.memory.store import Store

logger = logging.getLogger(__name__)


class SharedStore(Opened["Store"]):
    """The memory of a process, in its database. Where no file can be made, one that goes with the process.

    Where a file is there and cannot be used, all who ask get `Storage`: else what is in it would seem forgotten, and
    what comes would be lost with the process.
    """

    def __init__(
        self, database: SharedDatabase | None = None, rules: Callable[[], Sequence[Retention]] = tuple
    ) -> None:
        """`rules` say what is kept for how long."""
        super().__init__(self._open_store)
        self._database = database or SharedDatabase()
        self._rules = rules
        self.when_opened: Callable[[Store], object] = lambda store: None
        """Called with it before anybody has it."""

    async def _open_store(self) -> "Store":
        store = await self._new_store()
        store.sweep_from_now_on(self._rules)
        self.when_opened(store)
        return store

    async def _new_store(self) -> "Store":
        from agentrouted.core.memory.store import Store
        from agentrouted.core.storage.database import Database

        try:
            return Store(await self._database.get())
        except Storage as error:
            if self._database.is_there:
                raise
            logger.warning("what is remembered is kept in memory only: %s; %s", error.message, error.hint)
            return Store(await Database.in_memory())

    async def aclose(self) -> None:
        """With its database."""
        with contextlib.suppress(Storage):
            if store := await self.if_opened():
                await store.aclose()
