"""Whose turn it is to fill: of several processes, one does it."""

import asyncio
import sqlite3

from agentrouted.core.memory.vectors import rows
from agentrouted.core.memory.vectors.rows import Space
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.owner import Owner


class Turn:
    """Ours, when `take` says so. Who dies in its turn has it no more."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner: Owner | None = None

    async def prepare(self) -> None:
        """Before the first `take`. In memory, there are no others."""
        if self._owner is None and self._database.is_on_disk:
            self._owner = await asyncio.to_thread(self._new_owner)

    def take(self, connection: sqlite3.Connection, space: Space) -> bool:
        """Or keep it. False while it is somebody else's."""
        return self._owner is None or rows.take_turn(connection, space, self._owner.name, self._owner.gone)

    def end(self, connection: sqlite3.Connection) -> None:
        if self._owner is not None:
            rows.end_turn(connection, self._owner.name)

    def release(self) -> None:
        """For good, without the database."""
        if self._owner is not None:
            self._owner.release()

    def _new_owner(self) -> Owner:
        path = self._database.path
        try:
            return Owner(path.with_name(f"{path.name}.owners"))
        except OSError as error:
            raise storage_fault(error, path) from error
