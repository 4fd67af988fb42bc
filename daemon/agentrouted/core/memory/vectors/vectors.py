"""The vectors of one memory: filled bit by bit, and searched."""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from agentrouted.core.errors import (
    AgentroutedError,
    ConfigInvalid,
    GuardrailBlocked,
    ProviderTimeout,
    ResponseInvalid,
    Storage,
)
from agentrouted.core.faults import fault_of
from agentrouted.core.memory.recall import recall as recall_by_words
from agentrouted.core.memory.terms import clean
from agentrouted.core.memory.vectors import rows
from agentrouted.core.memory.vectors.embedding import Embed
from agentrouted.core.memory.vectors.filling import Asking, checked, is_about_the_text, vectors_of
from agentrouted.core.memory.vectors.fusion import Place, fused, places_of
from agentrouted.core.memory.vectors.rows import LONGEST_TEXT, Batch, Space
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.owner import Owner
from agentrouted_protocol.memory import MemoryHit, MemoryRecallParams

if TYPE_CHECKING:  # takes numpy with it
    from agentrouted.core.memory.vectors.nearest import Matrices, Matrix

logger = logging.getLogger(__name__)

# Seconds between two looks for what others have written.
_LOOK: Final = 60.0

# Seconds between two looks whether somebody else has done it.
_OTHERS: Final = 1.0

# Seconds until the next try, after a failure.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 300.0

# Seconds to wait for more of what is remembered, and rows of which it is worth a line in the log.
_TOGETHER: Final = 0.05
_MANY: Final = 1000

# Seconds that a question may take to become a vector; and after one that did not, until the next is tried.
_PATIENCE: Final = 2.0
_REST: Final = 10.0


class Vectors:
    """By one model, in a database that other processes may share."""

    def __init__(self, database: Database, embed: Embed, model: str, find_space: Callable[[], str]) -> None:
        """`find_space` says what the vectors of this model are called, or raises why it cannot be asked."""
        self.model = model
        self.done = 0
        self.missing = 0
        self.error: str | None = None
        """Why no more are made."""

        self.is_complete = False
        """Whether nothing was missing when it was looked for last, and nothing was written since."""

        self._database = database
        self._embed = embed
        self._find_space = find_space
        self._space = ""
        self._owner: Owner | None = None
        self._woken = asyncio.Event()
        self._news = asyncio.Event()
        self._joined: int | None = None
        self._cleaned: int | None = None
        self._complete: dict[int, int] = {}
        self._kept_back: dict[str, str] = {}
        # One takes all cores already.
        self._comparing = asyncio.Lock()
        self._matrices: Matrices | None = None
        self._fault: str | None = None
        """Why the last question could not be asked. For a moment, no other is."""

        self._rests_until = 0.0
        self._filling = asyncio.create_task(self._fill_again_and_again())

    def wake(self) -> None:
        """Something was written."""
        self.is_complete = False
        self._woken.set()

    async def news(self) -> None:
        """Returns when there is another count, or another error."""
        await self._news.wait()

    def look_anew(self) -> None:
        """The config has changed: what was kept back may not be any more."""
        self._kept_back.clear()
        self.wake()

    async def aclose(self) -> None:
        """Before its database is closed. What is there stays."""
        if self._filling.cancel():
            await asyncio.wait([self._filling])
        self._tell_news()

    async def recall(self, params: MemoryRecallParams, embed: Embed) -> list[MemoryHit]:
        """By words and by meaning; by words alone where there is nothing to compare, or nobody to ask."""
        if not params.query.strip():
            return await self._recall_by_words(params, None)
        try:
            matrices = await self._prepare()
        except AgentroutedError as error:
            return await self._recall_by_words(params, error.message)
        looked_at = await self._database.read(partial(self._look, matrices=matrices, params=params))
        if not any(len(matrix) for _, matrix in looked_at):
            return await self._recall_by_words(params, self.error)
        if self._fault is not None and time.monotonic() < self._rests_until:
            return await self._recall_by_words(params, self._fault)
        try:
            question = await self._question(params, embed)
        except AgentroutedError as error:
            if fault_of(error).counts and not is_about_the_text(error):
                self._rest(error)
            return await self._recall_by_words(params, error.message)
        self._fault = None
        if any(len(question) != matrix.width for _, matrix in looked_at):
            await self._database.write(partial(rows.change_width, name=self._space, width=len(question)))
            self.wake()
            return await self._recall_by_words(params, f"`{self.model}` makes others than before: all are made anew")
        async with self._comparing:
            near = await asyncio.to_thread(
                lambda: [(place, matrix.nearest(question, place.parts, place.looks_at)) for place, matrix in looked_at]
            )
        return await self._database.read(partial(fused, params=params, near=near))

    async def _recall_by_words(self, params: MemoryRecallParams, why: str | None) -> list[MemoryHit]:
        hits = await self._database.read(partial(recall_by_words, params=params))
        if why is None or not params.explain:
            return hits
        return [hit.model_copy(update={"explain": {**(hit.explain or {}), "vectors": why}}) for hit in hits]

    async def _prepare(self) -> "Matrices":
        """What both, filling and finding, need first."""
        if self._matrices is None:
            self._space = self._find_space()
            matrices = (await asyncio.to_thread(_nearest)).Matrices()
            self._matrices = self._matrices or matrices
        return self._matrices

    def _look(
        self, connection: sqlite3.Connection, matrices: "Matrices", params: MemoryRecallParams
    ) -> "list[tuple[Place, Matrix]]":
        """Where it is looked, with the vectors there; on the thread of the connection."""
        found = places_of(connection, params)
        space = rows.space_in_force(connection, self._space)
        if space is None or space.dimensions is None:
            return []
        return [(place, matrices.of(connection, space, place.id)) for place in found]

    async def _question(self, params: MemoryRecallParams, embed: Embed) -> bytes:
        text = clean(params.query).strip()[:LONGEST_TEXT]
        try:
            async with asyncio.timeout(_PATIENCE):
                embedded = await embed(self.model, [text], params.scope.workspace or "")
        except TimeoutError:
            raise ProviderTimeout(f"`{self.model}` did not take in the question within {_PATIENCE:g} s") from None
        question: bytes = _nearest().to_blobs(checked(self._asking(), embedded))[0]
        if not question:
            raise ResponseInvalid(f"`{self.model}` made nothing of the question")
        return question

    def _rest(self, error: AgentroutedError) -> None:
        if self._fault is None:
            logger.warning("memory finds by words alone until this is mended: %s", error.message)
        self._fault, self._rests_until = error.message, time.monotonic() + _REST

    async def _fill_again_and_again(self) -> None:
        pause = _FIRST_PAUSE
        try:
            while True:
                self._woken.clear()
                try:
                    await self._fill()
                except AgentroutedError as error:
                    self._tell(error.message, error.hint)
                    await asyncio.sleep(max(pause, min(error.retry_after or 0.0, _LONGEST_PAUSE)))
                    pause = min(2 * pause, _LONGEST_PAUSE)
                    continue
                pause = _FIRST_PAUSE
                self.is_complete = not self._woken.is_set()
                self._tell(next(iter(self._kept_back.values()), None))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self._woken.wait()
                if not self._woken.is_set():
                    self._complete.clear()
                await asyncio.sleep(_TOGETHER)
        finally:
            if self._owner is not None:
                self._owner.release()

    async def _fill(self) -> None:
        """Until nothing is missing."""
        await self._prepare()
        if self._owner is None and self._database.is_on_disk:
            self._owner = await asyncio.to_thread(self._new_owner)
        try:
            await self._fill_in_turn()
        finally:
            # Who waits for it is told by the end of the process, too, where this cannot be written any more.
            with contextlib.suppress(Storage):
                await self._database.write(self._end_turn)

    async def _fill_in_turn(self) -> None:
        space = await self._join()
        logged = self.missing
        while (batch := await self._database.read(self._next_batch)) is not None:
            if logged - self.missing >= _MANY:
                logged = self.missing
                logger.info("memory: %d vectors by `%s`, %d missing", self.done, self.model, self.missing)
            try:
                made = await vectors_of(self._asking(), batch)
            except GuardrailBlocked as error:
                self._kept_back[batch.workspace] = error.message
                continue
            vectors = await asyncio.to_thread(_as_blobs, batch, made)
            kept = await self._database.write(partial(self._keep, space=space, vectors=vectors))
            space = kept if kept is not None and kept.id == space.id else await self._join()
            self._have(self.done + len(vectors), self.missing - len(vectors))
        await self._count()

    async def _join(self) -> Space:
        """The space that is to be filled, when it is our turn, without what is another model's."""
        while True:
            join = partial(rows.join_space, name=self._space, may_begin=self._joined is None)
            space = await self._database.write(join)
            if space.id != self._joined:
                self._complete.clear()
            self._joined = space.id
            if await self._database.write(partial(self._take_turn, space=space)):
                break
            await self._count()
            await asyncio.sleep(_OTHERS)
        if space.id != self._cleaned:
            while await self._database.write(partial(rows.remove_older, space=space)):
                pass
            self._cleaned = space.id
        await self._count()
        return space

    def _asking(self) -> Asking:
        return Asking(self._embed, self.model, self._space)

    def _take_turn(self, connection: sqlite3.Connection, space: Space) -> bool:
        return self._owner is None or rows.take_turn(connection, space, self._owner.name, self._owner.gone)

    def _end_turn(self, connection: sqlite3.Connection) -> None:
        if self._owner is not None:
            rows.end_turn(connection, self._owner.name)

    def _new_owner(self) -> Owner:
        path = self._database.path
        try:
            return Owner(path.with_name(f"{path.name}.owners"))
        except OSError as error:
            raise storage_fault(error, path) from error

    def _next_batch(self, connection: sqlite3.Connection) -> Batch | None:
        return rows.next_batch(connection, self._complete, self._kept_back)

    def _keep(self, connection: sqlite3.Connection, space: Space, vectors: Sequence[tuple[int, bytes]]) -> Space | None:
        """The space as it is now; None where it is not our turn any more."""
        kept = rows.insert_vectors(connection, space, vectors)
        return kept if self._take_turn(connection, kept) else None

    async def _count(self) -> None:
        counts = await self._database.read(rows.count)
        self._have(counts.done, counts.missing)

    def _have(self, done: int, missing: int) -> None:
        self.done, self.missing = done, max(missing, 0)
        self._tell_news()

    def _tell(self, error: str | None, hint: str | None = None) -> None:
        """Once, what keeps vectors from being made, and when it does no more."""
        if error != self.error:
            self.error = error
            if error is None:
                logger.info("memory: vectors are made again, by `%s`", self.model)
            else:
                logger.warning("memory has not all its vectors: %s%s", error, f" ({hint})" if hint else "")
        self._tell_news()

    def _tell_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _as_blobs(batch: Batch, made: Sequence[Sequence[float] | None]) -> list[tuple[int, bytes]]:
    blobs = iter(_nearest().to_blobs([each for each in made if each is not None]))
    return [(row, b"" if each is None else next(blobs)) for row, each in zip(batch.rows, made, strict=True)]


def _nearest() -> Any:
    """With numpy, which takes a sixth of a second, and may not be there."""
    try:
        from agentrouted.core.memory.vectors import nearest
    except ImportError as error:
        raise ConfigInvalid(
            f"`memory.vectors` needs numpy: {error}", hint="pip install 'agentrouted[vectors]'"
        ) from error
    return nearest
