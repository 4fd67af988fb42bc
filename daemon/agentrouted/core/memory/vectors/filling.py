"""What is missing is filled, batch by batch, by one process."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from agentrouted.core.errors import GuardrailBlocked, Storage
from agentrouted.core.memory.vectors import rows
from agentrouted.core.memory.vectors.asking import vectors_of
from agentrouted.core.memory.vectors.embed import Embedder, Within
from agentrouted.core.memory.vectors.missing import Batch, Missing
from agentrouted.core.memory.vectors.rows import Space, as_blob
from agentrouted.core.memory.vectors.turn import Turn
from agentrouted.core.storage.database import Database

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
        self.kept_back: dict[Within, str] = {}
        """What boundaries do not let the model see, and why."""

        self._database = database
        self._told = told
        self._turn = Turn(database)
        self._rows = Missing()
        self._joined: int | None = None
        """The space that was in force last. Once there was one, another is another daemon's: it is not replaced."""

        self._cleaned: int | None = None
        """The space that was freed of the vectors of the one before."""

        self._may_change = True
        """Whether the model may begin to make vectors of another length: once, since the config last changed."""

    def look_everywhere(self) -> None:
        """Not only where something was added."""
        self._rows = Missing()

    def look_anew(self) -> None:
        """The config has changed: what was kept back may not be any more, and the model may make vectors of another
        length than before, once.
        """
        self.kept_back.clear()
        self._may_change = True

    async def fill(self, embedder: Embedder) -> None:
        """Until nothing is missing but what is kept back. Raises what an ordinary call raises."""
        if await self._database.read(partial(self._is_filled, name=embedder.space)):
            await self._count()
            return
        await self._turn.prepare()
        try:
            await self._fill_in_turn(embedder)
        finally:
            # Who waits for it is told by the end of the process, too, where this cannot be written any more.
            with contextlib.suppress(Storage):
                await self._database.write(self._turn.end)

    def close(self) -> None:
        self._turn.release()

    async def _fill_in_turn(self, embedder: Embedder) -> None:
        space = await self._join(embedder)
        self._have(self.done)
        logged = self.missing
        while (batch := await self._database.read(self._next_batch)) is not None:
            if logged - self.missing >= _MANY:
                logged = self.missing
                logger.info("memory: %d vectors by `%s`, %d missing", self.done, embedder.model, self.missing)
            try:
                made = await vectors_of(embedder, batch)
            except GuardrailBlocked as error:
                self.kept_back[batch.within] = error.message
                continue
            vectors = await asyncio.to_thread(_as_blobs, batch, made)
            kept = await self._database.write(partial(self._keep, space=space, vectors=vectors))
            if kept is not None and kept.id == space.id:
                space = kept
                self._rows.done(batch)
                self._have(self.done + len(vectors))
            else:
                space = await self._join(embedder)
        self._have(self.done)

    async def _join(self, embedder: Embedder) -> Space:
        """The space that is to be filled, when it is our turn, without what is another model's."""
        join = partial(self._join_and_take_turn, name=embedder.space)
        while (space := await self._database.write(join)) is None:
            # Others fill it, and what they have done is not missing any more.
            self.look_everywhere()
            await self._count()
            await asyncio.sleep(_OTHERS)
        if space.id != self._cleaned:
            while await self._database.write(partial(rows.remove_older, space=space)):
                pass
            self._cleaned = space.id
            self.look_everywhere()
            await self._count()
        return space

    def _join_and_take_turn(self, connection: sqlite3.Connection, name: str) -> Space | None:
        """None while it is somebody else's turn."""
        space = rows.join_space(connection, name, may_begin=self._joined is None)
        self._joined = space.id
        return space if self._turn.take(connection, space) else None

    def _is_filled(self, connection: sqlite3.Connection, name: str) -> bool:
        space = rows.space_in_force(connection, name)
        if space is None or space.id != self._cleaned:
            return False
        self._rows.look(connection)
        return self._next_batch(connection) is None

    def _next_batch(self, connection: sqlite3.Connection) -> Batch | None:
        return self._rows.next_batch(connection, self.kept_back)

    def _keep(self, connection: sqlite3.Connection, space: Space, vectors: Sequence[tuple[int, bytes]]) -> Space | None:
        """The space as it is now; None where it is not our turn any more."""
        kept = rows.insert_vectors(connection, space, vectors, may_change=self._may_change)
        self._may_change = self._may_change and kept.id == space.id
        return kept if self._turn.take(connection, kept) else None

    async def _count(self) -> None:
        def count(connection: sqlite3.Connection) -> int:
            self._rows.look(connection)
            return rows.count(connection)

        self._have(await self._database.read(count))

    def _have(self, done: int) -> None:
        self.done, self.missing = done, self._rows.total
        self._told()


def _as_blobs(batch: Batch, made: Sequence[Sequence[float]]) -> list[tuple[int, bytes]]:
    return list(zip(batch.rows, map(as_blob, made), strict=True))
