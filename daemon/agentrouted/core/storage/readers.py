"""Connections that only read: a slow one holds up nobody."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

import aiosqlite

from agentrouted.core.errors import Storage
from agentrouted.core.storage.connections import connect, run
from agentrouted.core.storage.faults import closed_fault, storage_fault
from agentrouted.core.storage.transactions import Operation, snapshot

T = TypeVar("T")

# Mostly there is one read at a time; of many at once, more than some would only take turns at the processors.
_MOST: Final = 4


class Readers:
    """The first is there from the beginning, the others are opened when a read finds none free.

    The one that was used last is taken first: it has pages of the file at hand.
    """

    def __init__(self, path: Path, first: aiosqlite.Connection, most: int = _MOST) -> None:
        self._path = path
        self._all = [first]
        self._free = [first]
        self._turns = asyncio.Semaphore(most)
        self._tasks: set[asyncio.Task[Any]] = set()
        """What goes on although nobody may wait for it any more."""

        self._is_closed = False

    @classmethod
    async def open(cls, path: Path) -> "Readers":
        return cls(path, await _open(path))

    async def read(self, operation: Operation) -> Any:
        reader = await self._take()
        try:
            result = await run(reader, snapshot, operation)
        except asyncio.CancelledError:
            # On its thread the operation goes on.
            self._begin(self._until_ended(reader)).add_done_callback(lambda _: self._give_back(reader))
            raise
        except BaseException as error:
            self._give_back(reader)
            if isinstance(error, sqlite3.Error):
                raise storage_fault(error, self._path) from error
            raise
        self._give_back(reader)
        return result

    async def aclose(self) -> None:
        """After the reads under way; one that has not begun fails."""
        self._is_closed = True
        if self._tasks:
            await asyncio.wait(self._tasks)
        for reader in self._all:
            await reader.close()

    async def _take(self) -> aiosqlite.Connection:
        await self._turns.acquire()
        if self._free:
            return self._unless_closed(self._free.pop())
        opening = self._begin(self._another())
        try:
            return self._unless_closed(await asyncio.shield(opening))
        except asyncio.CancelledError:
            opening.add_done_callback(lambda done: self._give_back(done.result()))
            raise

    def _unless_closed(self, reader: aiosqlite.Connection) -> aiosqlite.Connection:
        if self._is_closed:
            self._give_back(reader)
            raise closed_fault(self._path)
        return reader

    def _give_back(self, reader: aiosqlite.Connection) -> None:
        self._free.append(reader)
        self._turns.release()

    async def _another(self) -> aiosqlite.Connection:
        """One that nobody else has, if another can be had."""
        # Closed by now: what is not opened need not be closed.
        if not self._is_closed:
            # No file can be opened or no thread begun any more, or this file was moved: reads take turns with the
            # connections there are.
            with contextlib.suppress(Storage, RuntimeError):
                self._all.append(await _open(self._path))
                return self._all[-1]
        return self._all[0]

    async def _until_ended(self, reader: aiosqlite.Connection) -> None:
        if not self._is_closed:
            await run(reader, lambda connection: None)

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _open(path: Path) -> aiosqlite.Connection:
    return await connect(path, "PRAGMA query_only = ON")
