"""Recall with vectors: by words and by meaning."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from agentrouted.core.errors import AgentroutedError, ConfigInvalid, ProviderTimeout, ResponseInvalid
from agentrouted.core.faults import fault_of
from agentrouted.core.memory.ranking import Where
from agentrouted.core.memory.recall import places
from agentrouted.core.memory.recall import recall as recall_by_words
from agentrouted.core.memory.scopes import scope_of_row
from agentrouted.core.memory.terms import clean
from agentrouted.core.memory.vectors import rows
from agentrouted.core.memory.vectors.asking import ANY_TEXT, SHORTER, is_about_the_text
from agentrouted.core.memory.vectors.embed import Embed, Embedder, Within
from agentrouted.core.memory.vectors.filler import Filler
from agentrouted.core.memory.vectors.fusion import Near, fused
from agentrouted.core.memory.vectors.missing import LONGEST_TEXT
from agentrouted.core.storage.database import Database
from agentrouted_protocol.memory import MemoryHit, MemoryRecallParams
from agentrouted_protocol.scope import Scope

if TYPE_CHECKING:  # takes numpy with it
    from agentrouted.core.memory.vectors.nearest import Matrices, Matrix

logger = logging.getLogger(__name__)

# Seconds that a question may take to become a vector; and after one that did not, until the next is tried.
_PATIENCE: Final = 5.0
_REST: Final = 10.0


class Vectors:
    """The vectors of one memory, made by one model."""

    def __init__(self, database: Database, embed: Embed, model: str, find_space: Callable[[], str]) -> None:
        """`find_space` says what the vectors of this model are called, or raises why it cannot be asked."""
        self._database = database
        self._embed = embed
        self._model = model
        self._find_space = find_space
        self._space = ""
        self._matrices: Matrices | None = None
        # To compare takes all cores.
        self._comparing = asyncio.Lock()
        self._fault: str | None = None
        """Why the last question could not be asked. For a moment, no other is."""

        self._rests_until = 0.0
        self._loading: asyncio.Task[None] | None = None
        self.filler = Filler(database, model, self._embedder)

    async def aclose(self) -> None:
        """Before the database is closed."""
        if self._loading is not None and self._loading.cancel():
            await asyncio.wait([self._loading])
        await self.filler.aclose()

    async def recall(self, params: MemoryRecallParams, embed: Embed, leaves: bool = False) -> list[MemoryHit]:
        """By words alone, where there is nothing to compare, or nobody to ask. For `leaves` see `Where`."""
        if not params.query.strip():
            return await self._recall_by_words(params, leaves)
        try:
            near = await self._near(params, embed, leaves)
        except AgentroutedError as error:
            return await self._recall_by_words(params, leaves, error.message)
        if near is None:
            return await self._recall_by_words(params, leaves, self._fault_of_now() or self.filler.error)
        return await self._database.read(partial(fused, params=params, near=near))

    async def _recall_by_words(
        self, params: MemoryRecallParams, leaves: bool, why: str | None = None
    ) -> list[MemoryHit]:
        hits = await self._database.read(partial(recall_by_words, params=params, leaves=leaves))
        if why is None or not params.explain:
            return hits
        return [hit.model_copy(update={"explain": {**(hit.explain or {}), "vectors": why}}) for hit in hits]

    async def _near(self, params: MemoryRecallParams, embed: Embed, leaves: bool) -> list[Near] | None:
        """How near everything is to the question; None where it was not asked."""
        matrices = await self._prepare()
        found = await self._database.read(partial(self._look, matrices=matrices, params=params, leaves=leaves))
        if not any(len(matrix) for _, _, matrix in found):
            return None
        if self._fault_of_now() is not None:
            return None
        question = await self._question(params, embed)
        if any(len(question) != matrix.width for _, _, matrix in found):
            # What is remembered next shows whether the model is another one now.
            raise ResponseInvalid(f"`{self._model}` made a vector of another length than before of the question")
        async with self._comparing:
            return await asyncio.to_thread(
                lambda: [Near(scope, where, matrix.compare(question, where.parts)) for scope, where, matrix in found]
            )

    def _look(
        self, connection: sqlite3.Connection, matrices: "Matrices", params: MemoryRecallParams, leaves: bool
    ) -> "list[tuple[Scope, Where, Matrix]]":
        """Where it is looked, with the vectors there; on the thread of the connection."""
        found = list(places(connection, params, leaves))
        space = rows.space_in_force(connection, self._space)
        if space is None or space.dimensions is None:
            return []
        return [
            (scope, where, matrices.of(connection, space, scope_of_row(where.parts[0].first))) for scope, where in found
        ]

    async def _question(self, params: MemoryRecallParams, embed: Embed) -> bytes:
        """As a vector."""
        embedder = Embedder(embed, self._model, self._space)
        text = clean(params.query).strip()[:LONGEST_TEXT]
        try:
            async with asyncio.timeout(_PATIENCE):
                question = await _as_vector(embedder, text, Within(params.scope.workspace or ""))
        except TimeoutError:
            error = ProviderTimeout(f"`{self._model}` did not take in the question within {_PATIENCE:g} s")
            self._rest(error)
            if self._loading is None or self._loading.done():
                self._loading = asyncio.create_task(self._load())
            raise error from None
        except AgentroutedError as error:
            if fault_of(error).counts and not is_about_the_text(error):
                self._rest(error)
            raise
        self._fault = None
        if not (blob := rows.as_blob(question)):
            raise ResponseInvalid(f"`{self._model}` made nothing of the question")
        return blob

    async def _load(self) -> None:
        """A model of this machine that has to be started first is given the time: it is there for a later question."""
        try:
            await self._embed(self._model, [ANY_TEXT], "", boundary="local")
        except AgentroutedError as error:
            logger.debug("`%s` was not started: %s", self._model, error.message)
        except Exception as error:
            logger.error("`%s` could not be started", self._model, exc_info=error)
        else:
            self._rests_until = 0.0

    def _fault_of_now(self) -> str | None:
        return self._fault if time.monotonic() < self._rests_until else None

    def _rest(self, error: AgentroutedError) -> None:
        if self._fault is None:
            logger.warning("memory finds by words alone until this is mended: %s", error.message)
        self._fault, self._rests_until = error.message, time.monotonic() + _REST

    async def _embedder(self) -> Embedder:
        await self._prepare()
        return Embedder(self._embed, self._model, self._space)

    async def _prepare(self) -> "Matrices":
        """What finding and filling need first."""
        if self._matrices is None:
            self._space = self._find_space()
            matrices = await asyncio.to_thread(_no_matrices)
            self._matrices = self._matrices or matrices
        return self._matrices


async def _as_vector(embedder: Embedder, text: str, within: Within) -> Sequence[float]:
    """Its beginning, where the model takes no text as long."""
    try:
        return (await embedder.vectors([text], within))[0]
    except AgentroutedError as error:
        if len(text) <= SHORTER or not is_about_the_text(error):
            raise
    return (await embedder.vectors([text[:SHORTER]], within))[0]


def _no_matrices() -> "Matrices":
    """None are read yet. numpy is loaded by it: that takes a sixth of a second, and it may not be there."""
    try:
        from agentrouted.core.memory.vectors.nearest import Matrices
    except ImportError as error:
        raise ConfigInvalid(
            f"`memory.vectors` needs numpy: {error}", hint="pip install 'agentrouted[vectors]'"
        ) from error
    return Matrices()
