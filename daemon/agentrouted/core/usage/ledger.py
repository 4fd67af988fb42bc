"""Every model call of every run, written down."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import uuid4

from agentrouted.core.errors import Storage
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.owner import Owner
from agentrouted.core.usage.call import Call, Outcome
from agentrouted.core.usage.query import find_usage
from agentrouted.core.usage.rows import insert_ended, insert_open, interrupt, owners, remove_open
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.usage import UsageParams, UsageResult

logger = logging.getLogger(__name__)

# Seconds. A call that takes longer is in the database while it is under way: after a crash it is known.
_SHORT: Final = 0.05
_AGAIN: Final = 1.0


@dataclass(slots=True, eq=False)
class OpenCall:
    """A call that is under way."""

    call: Call
    id: str = field(default_factory=lambda: uuid4().hex)
    is_written: bool = False
    timer: asyncio.TimerHandle | None = None


class Ledger:
    """In a database that other processes may share.

    A call is written down with whatever is written next, such as the step of its run, in one transaction. What cannot
    be written is tried again. Calls of a process that is gone are found, and counted as far as they can be.
    """

    def __init__(self, database: Database, owner: Owner) -> None:
        self._database = database
        self._owner = owner

    @classmethod
    async def open(cls, database: Database) -> "Ledger":
        try:
            owner = await asyncio.to_thread(Owner, database.path.with_name(f"{database.path.name}.owners"))
        except OSError as error:
            raise storage_fault(error, database.path) from error
        ledger = cls(database, owner)
        await ledger.recover()
        return ledger

    def begin(self, call: Call, so_far: Callable[[], Usage]) -> OpenCall:
        """`so_far` tells its bill if nothing is heard of it any more."""
        opened = OpenCall(call)
        opened.timer = asyncio.get_running_loop().call_later(_SHORT, self._write_open, opened, so_far)
        return opened

    def end(self, opened: OpenCall, outcome: Outcome) -> None:
        if opened.timer is not None:
            opened.timer.cancel()
        self._write(opened, outcome)

    async def recover(self) -> None:
        """What was under way in processes that are gone has ended."""
        gone = await self._database.read(lambda connection: self._owner.gone(owners(connection)))
        if gone:
            await self._database.write(partial(interrupt, gone=gone))

    async def usage(self, params: UsageParams) -> UsageResult:
        """All that has ended until now, in this process and others."""
        await self.recover()
        await self._database.flush()
        rows, totals = await self._database.read(partial(find_usage, params=params))
        return UsageResult(rows=rows, totals=totals)

    def close(self) -> None:
        """After its database."""
        self._owner.release()

    def _write_open(self, opened: OpenCall, so_far: Callable[[], Usage]) -> None:
        opened.is_written = True
        bill = so_far()
        self._database.post(lambda connection: insert_open(connection, opened.id, self._owner.name, opened.call, bill))

    def _write(self, opened: OpenCall, outcome: Outcome) -> None:
        writing = self._database.write_soon(partial(_end, opened=opened, outcome=outcome))
        writing.add_done_callback(lambda done: self._written(done, opened, outcome))

    def _written(self, done: "asyncio.Future[None]", opened: OpenCall, outcome: Outcome) -> None:
        error = None if done.cancelled() else done.exception()
        if error is None:
            return
        logger.error("a model call is not in the ledger: %s", error)
        if isinstance(error, Storage) and not self._database.is_closed:
            asyncio.get_running_loop().call_later(_AGAIN, self._write, opened, outcome)


def _end(connection: sqlite3.Connection, opened: OpenCall, outcome: Outcome) -> None:
    if opened.is_written:
        remove_open(connection, opened.id)
    insert_ended(connection, opened.call, outcome)
