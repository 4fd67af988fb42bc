"""The ledger of a process, where it has a database."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from agentrouted.core.errors import Storage
from agentrouted.core.opened import Opened
from agentrouted.core.storage.shared import SharedDatabase
from agentrouted.core.usage.limits import Reached

if TYPE_CHECKING:  # takes sqlite3 and aiosqlite with it, a tenth of the way to the first answer
    from agentrouted.core.usage.ledger import Ledger

logger = logging.getLogger(__name__)


class SharedLedger(Opened["Ledger | None"]):
    """None without a `database`, where it cannot be used, or is not `wanted`: a model can be asked all the same."""

    def __init__(
        self,
        database: SharedDatabase | None = None,
        wanted: Callable[[], bool] = lambda: True,
        keep_days: Callable[[], float | None] = lambda: None,
    ) -> None:
        super().__init__(self._open_ledger)
        self._database = database
        self._wanted = wanted
        self._keep_days = keep_days
        self._fault = Storage("There is no ledger of model calls without a database", hint="set HOME")
        self._listeners: list[Callable[[Reached], None]] = []

    @property
    def fault(self) -> Storage:
        """Why there is none; a new error each time, since whoever fails with it may write on it."""
        return Storage(self._fault.message, hint=self._fault.hint)

    def subscribe(self, listener: Callable[[Reached], None]) -> Callable[[], None]:
        """Tell `listener` when a call of this process has used up a limit, or nearly; what this returns ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def get(self) -> "Ledger | None":
        return None if self._database is None or not self._wanted() else await super().get()

    async def _open_ledger(self) -> "Ledger | None":
        from agentrouted.core.usage.ledger import Ledger

        assert self._database is not None
        try:
            return await Ledger.open(await self._database.get(), self._tell, self._keep_days)
        except Storage as error:
            logger.warning("model calls are not in the ledger: %s; %s", error.message, error.hint)
            self._fault = error
            return None

    def _tell(self, reached: Reached) -> None:
        for listener in list(self._listeners):
            listener(reached)

    async def aclose(self) -> None:
        """After its database."""
        if ledger := await self.if_opened():
            ledger.close()
