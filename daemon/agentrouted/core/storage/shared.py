"""The one database of a process, opened with the first use."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from agentrouted.core.errors import Storage
from agentrouted.core.opened import Opened

if TYPE_CHECKING:  # takes sqlite3 and aiosqlite with it, a tenth of the way to the first answer
    from agentrouted.core.storage.database import Database


class SharedDatabase(Opened["Database"]):
    """For all that is kept in it. Where it cannot be opened, or has no `path`, each who asks gets `Storage`."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(self._open_database)
        self.path = path

    @property
    def is_there(self) -> bool:
        """Whether anything was ever kept: whoever only reads need not make the file."""
        with contextlib.suppress(PermissionError):
            return self.path is not None and self.path.exists()
        return False

    async def _open_database(self) -> "Database":
        from agentrouted.core.storage.database import Database

        if self.path is None:
            raise Storage("There is no folder for the database", hint="set HOME")
        return await Database.open(self.path)

    async def aclose(self) -> None:
        """For those who use it without one to close it for them."""
        with contextlib.suppress(Storage):
            if database := await self.if_opened():
                await database.aclose()
