"""The database file: one writer, and those who read."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import aiosqlite

from agentrouted.core.storage.connections import IN_MEMORY, connect, run
from agentrouted.core.storage.faults import closed_fault, storage_fault
from agentrouted.core.storage.long_work import is_under_way
from agentrouted.core.storage.prepare import prepare
from agentrouted.core.storage.readers import Readers
from agentrouted.core.storage.schema import SCRIPTS
from agentrouted.core.storage.transactions import Operation, Outcome, commit

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds that `write_soon` waits for another write to go with.
_SOON: Final = 0.05

# Pages of the log after which it goes into the file. Four times SQLite's own number: a page of an index that many rows
# go to is then written once for more of them, and the disk is waited for less often.
_OF_THE_WRITER: Final = "PRAGMA wal_autocheckpoint = 4000"


class Database:
    """One SQLite file, which other processes may use at the same time.

    An operation is a function of the connection that is called on the connection's thread, within a transaction that
    is not its own to end. What is waiting when the writer is free goes in one transaction; an operation that raises
    fails alone, and for that may be called a second time, after the first was rolled back. All faults of SQLite and
    of the disk are raised as `Storage`.
    """

    def __init__(self, path: Path, writer: aiosqlite.Connection, readers: Readers) -> None:
        self.path = path
        self._writer = writer
        self._readers = readers
        self._queue: list[tuple[Operation, asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._later: asyncio.TimerHandle | None = None
        self.is_closed = False
        self._writing = asyncio.create_task(self._write())

    @classmethod
    async def open(cls, path: Path, scripts: Sequence[str] = SCRIPTS) -> "Database":
        """Made where it is missing, migrated where it is older. Raises `Storage` if it cannot be used."""
        await asyncio.to_thread(prepare, path, scripts)
        async with contextlib.AsyncExitStack() as opened:
            writer = await connect(path, _OF_THE_WRITER)
            opened.push_async_callback(writer.close)
            readers = await Readers.open(path)
            opened.pop_all()
        return cls(path, writer, readers)

    @classmethod
    async def in_memory(cls, scripts: Sequence[str] = SCRIPTS) -> "Database":
        """Gone when it is closed. Reads and writes take turns."""
        connection = await connect(IN_MEMORY)
        await run(connection, sqlite3.Connection.executescript, "".join(scripts))
        return cls(IN_MEMORY, connection, Readers(IN_MEMORY, connection, most=1))

    @property
    def is_on_disk(self) -> bool:
        return self.path != IN_MEMORY

    def write(self, operation: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """In order with all other writes. The future is done once it is committed; cancelling it undoes nothing."""
        future = self._enqueue(operation)
        self._wake.set()
        return future

    def write_soon(self, operation: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """`write` that does not hurry: in one transaction with the next one, or in a moment by itself."""
        future = self._enqueue(operation)
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(_SOON, self._wake.set)
        return future

    def post(self, operation: Callable[[sqlite3.Connection], object]) -> None:
        """`write` for those who do not wait: a failure is logged."""
        self.write(operation).add_done_callback(_log_failure)

    async def flush(self) -> None:
        """Returns when all that was written or posted before is committed or has failed."""
        await self.write(lambda connection: None)

    async def read(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Sees what was committed when it begins; never waits for a writer."""
        if self.is_closed:
            raise closed_fault(self.path)
        result: T = await self._readers.read(operation)
        return result

    async def aclose(self) -> None:
        """After what was written before."""
        if self.is_closed:
            return
        last = self.write(lambda connection: None)
        self.is_closed = True
        await asyncio.wait([last])
        self._writing.cancel()
        await asyncio.wait([self._writing])
        await self._readers.aclose()
        await self._writer.close()

    def _enqueue(self, operation: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self.is_closed:
            future.set_exception(closed_fault(self.path))
        else:
            self._queue.append((operation, future))
        return future

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._later is not None:
                self._later.cancel()
                self._later = None
            batch, self._queue = self._queue, []
            operations = [operation for operation, _ in batch]
            outcomes = await run(self._writer, commit, operations, self._is_patient)
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                self._settle(future, outcome)

    def _is_patient(self) -> bool:
        return not self.is_closed and is_under_way(self.path)

    def _settle(self, future: asyncio.Future[Any], outcome: Outcome) -> None:
        value, error = outcome
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(storage_fault(error, self.path) if isinstance(error, sqlite3.Error) else error)


def _log_failure(future: "asyncio.Future[object]") -> None:
    if not future.cancelled() and (error := future.exception()):
        logger.error("a write has failed: %s", error)
