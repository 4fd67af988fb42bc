"""What is missing is filled, batch by batch, by one process."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from agentrouted.core.errors import GuardrailBlocked, Storage
from agentrouted.core.memory.vectors import rows
from agentrouted.core.memory.vectors.asking import vectors_of
from agentrouted.core.memory.vectors.embed import Embedder, Within
from agentrouted.core.memory.vectors.missing import Batch, Missing
from agentrouted.core.memory.vectors.rows import Space
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.owner import Owner

logger = logging.getLogger(__name__)

# Seconds between two looks whether somebody else has done it.
_OTHERS: Final = 1.0

# Rows of which it is worth a line in the log.
_MANY: Final = 1000


class Filling:
    """How far the work is, from one `fill` to the next."""

    def __init__(self, database: Database, told: Callable[[], object]) -> None:
        """`told` is called when `done` or `missing` has changed."""
        self.done = 0
        self.missing = 0
        self._database = database
        self._told = told
        self._missing = Missing()
        self._kept_back: dict[Within, str] = {}
        """What boundaries do not let the model see, and why."""

        self._owner: Owner | None = None
        """This process, in its turn. In memory, there are no others."""

        self._may_begin = True
        """Whether to replace another model's vectors: at first. Later ones are another daemon's, which began later."""

        self._may_change = True
        """Whether the model may begin to make vectors of another length: once, since the config last changed."""

    def look_everywhere(self) -> None:
        """Not only where something was added."""
        self._missing = Missing()

    def look_anew(self) -> None:
        """The config has changed: what was kept back may not be any more, and the model may make vectors of another
        length than before, once.
        """
        self._kept_back.clear()
        self._may_change = True

    async def fill(self, embedder: Embedder) -> str | None:
        """Until nothing is missing but what is kept back. Returns why it is. Raises what an ordinary call raises."""
        if await self._database.read(partial(self._is_filled, name=embedder.space)):
            self._may_begin = False
            await self._count()
        else:
            await self._fill_in_turn(embedder)
        return next(iter(self._kept_back.values()), None)

    def close(self) -> None:
        """Who waits for its turn is told, without the database."""
        if self._owner is not None:
            self._owner.release()

    def _is_filled(self, connection: sqlite3.Connection, name: str) -> bool:
        space = rows.space_in_force(connection, name)
        if space is None or rows.has_older(connection, space):
            return False
        self._missing.look(connection)
        return self._next_batch(connection) is None

    async def _fill_in_turn(self, embedder: Embedder) -> None:
        if self._owner is None and self._database.is_on_disk:
            self._owner = await asyncio.to_thread(_owner_beside, self._database.path)
        try:
            await self._fill_all(embedder)
        finally:
            if self._owner is not None:
                # Who waits for it is told by the end of the process, too, where this cannot be written any more.
                with contextlib.suppress(Storage):
                    await self._database.write(partial(rows.end_turn, owner=self._owner))

    async def _fill_all(self, embedder: Embedder) -> None:
        space = await self._join(embedder)
        logged = self.missing
        while (batch := await self._database.read(self._next_batch)) is not None:
            if logged - self.missing >= _MANY:
                logged = self.missing
                logger.info("memory: %d vectors by `%s`, %d missing", self.done, embedder.model, self.missing)
            try:
                made = await vectors_of(embedder, batch)
            except GuardrailBlocked as error:
                self._kept_back[batch.within] = error.message
                continue
            vectors = await asyncio.to_thread(_with_rows, batch, made)
            kept = await self._database.write(partial(self._keep, space=space, vectors=vectors))
            if kept is not None and kept.id == space.id:
                space = kept
                self._missing.done(batch)
                self._have(self.done + len(vectors))
            else:
                self._may_change = self._may_change and kept is None
                space = await self._join(embedder)
        self._have(self.done)

    async def _join(self, embedder: Embedder) -> Space:
        """The space that is to be filled, when it is our turn, without what is another model's."""
        while (space := await self._take_turn(embedder.space)) is None:
            # Others fill it, and what they have done is not missing any more.
            self.look_everywhere()
            await self._count()
            await asyncio.sleep(_OTHERS)
        if await self._database.read(partial(rows.has_older, space=space)):
            while await self._database.write(partial(rows.remove_older, space=space)):
                self.look_everywhere()
        await self._count()
        return space

    async def _take_turn(self, name: str) -> Space | None:
        """None while it is somebody else's."""

        def take(connection: sqlite3.Connection) -> Space | None:
            space = rows.join_space(connection, name, may_begin=self._may_begin)
            return space if self._has_turn(connection, space) else None

        space = await self._database.write(take)
        self._may_begin = False
        return space

    def _has_turn(self, connection: sqlite3.Connection, space: Space) -> bool:
        return self._owner is None or rows.take_turn(connection, space, self._owner)

    def _next_batch(self, connection: sqlite3.Connection) -> Batch | None:
        return self._missing.next_batch(connection, self._kept_back)

    def _keep(self, connection: sqlite3.Connection, space: Space, vectors: Sequence[tuple[int, bytes]]) -> Space | None:
        """The space as it is now; None where it is not our turn any more."""
        kept = rows.insert_vectors(connection, space, vectors, may_change=self._may_change)
        return kept if self._has_turn(connection, kept) else None

    async def _count(self) -> None:
        def count(connection: sqlite3.Connection) -> int:
            self._missing.look(connection)
            return rows.count(connection)

        self._have(await self._database.read(count))

    def _have(self, done: int) -> None:
        self.done, self.missing = done, self._missing.total
        self._told()


def _owner_beside(path: Path) -> Owner:
    try:
        return Owner(path.with_name(f"{path.name}.owners"))
    except OSError as error:
        raise storage_fault(error, path) from error


def _with_rows(batch: Batch, made: Sequence[Sequence[float]]) -> list[tuple[int, bytes]]:
    return list(zip(batch.rows, map(rows.as_blob, made), strict=True))
