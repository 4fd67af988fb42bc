"""The journal on disk, which outlives the process."""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from agentrouted.core.errors import Storage
from agentrouted.core.journal.base import Page, RunRecord, Step, StoredRun
from agentrouted.core.journal.common import Retention, cursor_number
from agentrouted.core.journal.lasting import forget_older, forget_oldest, interrupt, take_over, total_bytes
from agentrouted.core.journal.loading import load_events, load_page, load_run, running_elsewhere
from agentrouted.core.journal.open_runs import Batch, Ending, OpenRuns
from agentrouted.core.journal.saving import insert_run, save
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.owner import Owner
from agentrouted_protocol.runs import RunStatus

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Ends of runs between two looks at what is to be forgotten.
_PRUNE_EVERY: Final = 256


class SqliteJournal:
    """A journal in a database that other processes may share."""

    reason = None

    def __init__(self, database: Database, owner: Owner, retention: Retention) -> None:
        self._database = database
        self._owner = owner
        self._retention = retention
        self._runs = OpenRuns(self._save)
        self._ends = 0
        self._pruning = asyncio.create_task(self._prune_now())

    @classmethod
    async def open(cls, database: Database, retention: Retention) -> "SqliteJournal":
        """The database is the journal's from now on: it is closed with it."""
        folder = database.path.with_name(f"{database.path.name}.owners")
        try:
            owner = await asyncio.to_thread(Owner, folder)
        except OSError as error:
            raise storage_fault(error, database.path) from error
        return cls(database, owner, retention)

    async def begin(self, record: RunRecord) -> None:
        run = self._runs.enter(record.run_id)
        now = time.time()
        await self._enter(record.run_id, lambda connection: insert_run(connection, run, record, self._owner.name, now))

    async def reopen(self, run_id: str) -> None:
        await self._interrupt(await self._database.read(self._gone))
        run = self._runs.enter(run_id)
        await self._enter(run_id, lambda connection: take_over(connection, run, self._owner.name))

    def write(self, run_id: str, step: Step) -> None:
        self._runs.write(run_id, step)

    async def flush(self, run_id: str | None = None) -> None:
        await self._runs.flush(run_id)

    async def end(
        self, run_id: str, status: RunStatus, result: dict[str, Any] | None, error: dict[str, Any] | None
    ) -> None:
        self._runs.end(run_id, Ending(status, result, error))
        await self._runs.flush(run_id)
        self._ends += 1
        if self._ends % _PRUNE_EVERY == 0 and self._pruning.done():
            self._pruning = asyncio.create_task(self._prune_now())

    async def load(self, run_id: str) -> StoredRun | None:
        stored = await self._read(run_id, lambda connection: load_run(connection, run_id))
        return stored and self._ended(stored)

    async def events(self, run_id: str, after_seq: int) -> list[bytes]:
        return await self._read(run_id, lambda connection: load_events(connection, run_id, after_seq))

    async def page(self, *, status: RunStatus | None, session_id: str | None, limit: int, cursor: str | None) -> Page:
        before = cursor_number(cursor)
        page = await self._read(None, lambda connection: load_page(connection, status, session_id, limit, before))
        runs = map(self._ended, page.runs)
        return replace(page, runs=tuple(run for run in runs if status in (None, run.status)))

    async def prune(self, now: float) -> None:
        await self._interrupt(await self._database.read(self._gone))
        # Few at a time: the runs of this process write in between.
        while await self._database.write(partial(forget_older, than=now - self._retention.seconds)):
            pass
        excess = await self._database.read(total_bytes) - self._retention.max_bytes
        while excess > 0 and (freed := await self._database.write(partial(forget_oldest, excess=excess))):
            excess -= freed

    async def aclose(self) -> None:
        self._pruning.cancel()
        await asyncio.wait([self._pruning])
        try:
            await self._runs.aclose()
        except Storage as error:
            logger.error("the last steps of runs are lost: %s", error)
        await self._database.aclose()
        self._owner.release()

    def _save(self, batch: Batch) -> "asyncio.Future[None]":
        return self._database.write(partial(save, batch=batch))

    async def _enter(self, run_id: str, operation: Callable[[sqlite3.Connection], None]) -> None:
        try:
            # A run whose caller gave up waiting is begun, and can be ended.
            await self._database.write(operation)
        except Exception:
            self._runs.leave(run_id)
            raise

    async def _read(self, run_id: str | None, query: Callable[[sqlite3.Connection], T]) -> T:
        # What cannot be written now should not keep anybody from reading.
        with contextlib.suppress(Storage):
            await self._runs.flush(run_id)
        gone, answer = await self._database.read(lambda connection: (self._gone(connection), query(connection)))
        if not gone:
            return answer
        await self._interrupt(gone)
        return await self._database.read(query)

    def _ended(self, stored: StoredRun) -> StoredRun:
        """As it is, also where the disk has no room for its end yet."""
        end = self._runs.unsaved_end(stored.record.run_id)
        return replace(stored, status=end.status, result=end.result, error=end.error) if end else stored

    def _gone(self, connection: sqlite3.Connection) -> list[str]:
        """Owners of runs that are not interrupted yet, though their process has ended."""
        return self._owner.gone(running_elsewhere(connection, self._owner.name))

    async def _interrupt(self, gone: list[str]) -> None:
        if gone:
            await self._database.write(partial(interrupt, gone=gone))

    async def _prune_now(self) -> None:
        try:
            await self.prune(time.time())
        except Storage as error:
            logger.warning("old runs are not forgotten: %s", error)
