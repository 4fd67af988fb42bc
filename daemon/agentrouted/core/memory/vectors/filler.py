"""The job that makes the vectors that are missing."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

from agentrouted.core.errors import AgentroutedError, ConfigInvalid, GuardrailBlocked, Storage
from agentrouted.core.memory.vectors import rows
from agentrouted.core.memory.vectors.asking import Asking, vectors_of
from agentrouted.core.memory.vectors.missing import Batch, Missing, Within
from agentrouted.core.memory.vectors.rows import Space
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.owner import Owner

logger = logging.getLogger(__name__)

# Seconds between two looks for what others have written, and whether somebody else has done it.
_LOOK: Final = 60.0
_OTHERS: Final = 1.0

# Seconds until the next try, after a failure.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 300.0

# Seconds to wait for more of what is remembered, and rows of which it is worth a line in the log.
_TOGETHER: Final = 0.05
_MANY: Final = 1000


class Filler:
    """At work from the moment it is made, in a database that other processes may share."""

    def __init__(self, database: Database, model: str, find_asking: Callable[[], Awaitable[Asking]]) -> None:
        """`find_asking` raises why the model cannot be asked."""
        self.model = model
        self.done = 0
        self.missing = 0
        self.error: str | None = None
        """Why no more are made."""

        self.is_complete = False
        """Whether nothing was missing when it was looked for last, and nothing was written since."""

        self._database = database
        self._find_asking = find_asking
        self._owner: Owner | None = None
        self._woken = asyncio.Event()
        self._changed = asyncio.Event()
        self._news = asyncio.Event()
        self._joined: int | None = None
        self._cleaned: int | None = None
        self._rows = Missing()
        self._is_stale = False
        """Whether it is to be looked everywhere."""

        self._has_changed = False
        """Whether the model has made vectors of another length since the config was changed: it may once."""

        self._kept_back: dict[Within, str] = {}
        """Why."""

        self._work = asyncio.create_task(self._go_on())

    def wake(self) -> None:
        """Something was written."""
        self.is_complete = False
        self._woken.set()

    def forget(self) -> None:
        """Something was forgotten: the next scope may get the place of one that has gone."""
        self._is_stale = True
        self.wake()

    def look_anew(self) -> None:
        """The config has changed: what was kept back may not be any more, nor what failed fail again."""
        self._kept_back.clear()
        self._has_changed = False
        self.error = None
        self._changed.set()
        self.wake()

    async def news(self) -> None:
        """Returns when there is another count, or another error."""
        await self._news.wait()

    async def aclose(self) -> None:
        """Before its database is closed. What is there stays."""
        if self._work.cancel():
            await asyncio.wait([self._work])
        self._tell_news()

    async def _go_on(self) -> None:
        pause = _FIRST_PAUSE
        try:
            while True:
                pause = await self._fill_and_wait(pause)
        finally:
            if self._owner is not None:
                self._owner.release()

    async def _fill_and_wait(self, pause: float) -> float:
        """`pause` is that after a failure, in seconds; returned is the next one."""
        self._woken.clear()
        self._changed.clear()
        try:
            await self._fill()
        except AgentroutedError as error:
            self._tell(f"{error.message} ({error.hint})" if error.hint else error.message)
            await self._until_changed(max(pause, min(error.retry_after or 0.0, _LONGEST_PAUSE)))
            return min(2 * pause, _LONGEST_PAUSE)
        except Exception as error:
            logger.error("vectors of memory could not be made", exc_info=error)
            self._tell(f"internal error: {type(error).__name__}")
            await self._until_changed(_LONGEST_PAUSE)
            return _LONGEST_PAUSE
        self.is_complete = not self._woken.is_set()
        self._tell(next(iter(self._kept_back.values()), None))
        await self._until_woken()
        return _FIRST_PAUSE

    async def _until_changed(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _until_woken(self) -> None:
        try:
            async with asyncio.timeout(_LOOK):
                await self._woken.wait()
            await asyncio.sleep(_TOGETHER)
        except TimeoutError:
            self._is_stale = True

    async def _fill(self) -> None:
        """Until nothing is missing."""
        asking = await self._find_asking()
        if self._is_stale:
            self._is_stale = False
            self._rows = Missing()
        if await self._database.read(partial(self._is_filled, name=asking.space)):
            await self._count()
            return
        if self._owner is None and self._database.is_on_disk:
            self._owner = await asyncio.to_thread(self._new_owner)
        try:
            await self._fill_in_turn(asking)
        finally:
            # Who waits for it is told by the end of the process, too, where this cannot be written any more.
            with contextlib.suppress(Storage):
                await self._database.write(self._end_turn)

    async def _fill_in_turn(self, asking: Asking) -> None:
        space = await self._join(asking)
        self._have(self.done)
        logged = self.missing
        while (batch := await self._database.read(self._next_batch)) is not None:
            if logged - self.missing >= _MANY:
                logged = self.missing
                logger.info("memory: %d vectors by `%s`, %d missing", self.done, self.model, self.missing)
            try:
                made = await vectors_of(asking, batch)
            except GuardrailBlocked as error:
                self._kept_back[batch.within] = error.message
                continue
            vectors = await asyncio.to_thread(_as_blobs, batch, made)
            kept = await self._database.write(partial(self._keep, space=space, vectors=vectors))
            if kept is not None and kept.id == space.id:
                space = kept
                self._rows.done(batch)
                self._have(self.done + len(vectors))
            else:
                space = await self._join(asking)
        self._have(self.done)

    async def _join(self, asking: Asking) -> Space:
        """The space that is to be filled, when it is our turn, without what is another model's."""
        join = partial(self._join_and_take_turn, name=asking.space)
        while (space := await self._database.write(join)) is None:
            # Others fill it, and what they have done is not missing any more.
            self._rows = Missing()
            await self._count()
            await asyncio.sleep(_OTHERS)
        if space.id != self._cleaned:
            while await self._database.write(partial(rows.remove_older, space=space)):
                pass
            self._cleaned = space.id
            self._rows = Missing()
            await self._count()
        return space

    def _join_and_take_turn(self, connection: sqlite3.Connection, name: str) -> Space | None:
        """None while it is somebody else's turn."""
        space = rows.join_space(connection, name, may_begin=self._joined is None)
        self._joined = space.id
        return space if self._take_turn(connection, space) else None

    def _is_filled(self, connection: sqlite3.Connection, name: str) -> bool:
        space = rows.space_in_force(connection, name)
        if space is None or space.id != self._cleaned:
            return False
        self._rows.look(connection)
        return self._next_batch(connection) is None

    def _new_owner(self) -> Owner:
        path = self._database.path
        try:
            return Owner(path.with_name(f"{path.name}.owners"))
        except OSError as error:
            raise storage_fault(error, path) from error

    def _take_turn(self, connection: sqlite3.Connection, space: Space) -> bool:
        return self._owner is None or rows.take_turn(connection, space, self._owner.name, self._owner.gone)

    def _end_turn(self, connection: sqlite3.Connection) -> None:
        if self._owner is not None:
            rows.end_turn(connection, self._owner.name)

    def _next_batch(self, connection: sqlite3.Connection) -> Batch | None:
        return self._rows.next_batch(connection, self._kept_back)

    def _keep(self, connection: sqlite3.Connection, space: Space, vectors: Sequence[tuple[int, bytes]]) -> Space | None:
        """The space as it is now; None where it is not our turn any more."""
        kept = rows.insert_vectors(connection, space, vectors, may_change=not self._has_changed)
        self._has_changed = self._has_changed or kept.id != space.id
        return kept if self._take_turn(connection, kept) else None

    async def _count(self) -> None:
        def count(connection: sqlite3.Connection) -> int:
            self._rows.look(connection)
            return rows.count(connection)

        self._have(await self._database.read(count))

    def _have(self, done: int) -> None:
        self.done, self.missing = done, self._rows.total
        self._tell_news()

    def _tell(self, error: str | None) -> None:
        """Once, what keeps vectors from being made, and when it does no more."""
        if error != self.error:
            self.error = error
            if error is None:
                logger.info("memory: vectors are made again, by `%s`", self.model)
            else:
                logger.warning("memory has not all its vectors: %s", error)
        self._tell_news()

    def _tell_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def load_nearest() -> Any:
    """With numpy, which takes a sixth of a second, and may not be there."""
    try:
        from agentrouted.core.memory.vectors import nearest
    except ImportError as error:
        raise ConfigInvalid(
            f"`memory.vectors` needs numpy: {error}", hint="pip install 'agentrouted[vectors]'"
        ) from error
    return nearest


def _as_blobs(batch: Batch, made: Sequence[Sequence[float] | None]) -> list[tuple[int, bytes]]:
    blobs = iter(load_nearest().to_blobs([each for each in made if each is not None]))
    return [(row, b"" if each is None else next(blobs)) for row, each in zip(batch.rows, made, strict=True)]
