"""The job that sees to it that nothing is missing for long."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from agentrouted.core.errors import AgentroutedError
from agentrouted.core.memory.vectors.embed import Embedder
from agentrouted.core.memory.vectors.filling import Filling
from agentrouted.core.storage.database import Database

logger = logging.getLogger(__name__)

# Seconds between two looks for what others have written.
_LOOK: Final = 60.0

# Seconds until the next try, after a failure.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 300.0

# Seconds to wait for more of what is remembered.
_TOGETHER: Final = 0.05


class Filler:
    """At work from the moment it is made, in a database that other processes may share."""

    def __init__(self, database: Database, model: str, find_embedder: Callable[[], Awaitable[Embedder]]) -> None:
        """`find_embedder` raises why the model cannot be asked."""
        self.model = model
        self.error: str | None = None
        """Why no more are made."""

        self.is_complete = False
        """Whether nothing was missing when it was looked for last, and nothing was written since."""

        self._find_embedder = find_embedder
        self._filling = Filling(database, self._tell_news)
        self._woken = asyncio.Event()
        self._changed = asyncio.Event()
        self._news = asyncio.Event()
        self._is_stale = False
        """Whether to look everywhere, not only where something was added."""

        self._work = asyncio.create_task(self._go_on())

    @property
    def done(self) -> int:
        return self._filling.done

    @property
    def missing(self) -> int:
        return self._filling.missing

    def wake(self) -> None:
        """Something was written."""
        self.is_complete = False
        self._woken.set()

    def look_everywhere(self) -> None:
        """Something was forgotten, and the next scope may get its place; or imported, and what was there before is
        within another boundary.
        """
        self._is_stale = True
        self.wake()

    def look_anew(self) -> None:
        """The config has changed: what has failed may not fail again."""
        self._filling.look_anew()
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
            self._filling.close()

    async def _fill_and_wait(self, pause: float) -> float:
        """`pause` is that after a failure, in seconds; returned is the next one."""
        self._woken.clear()
        self._changed.clear()
        try:
            kept_back = await self._fill()
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
        self._tell(kept_back)
        await self._until_woken()
        return _FIRST_PAUSE

    async def _fill(self) -> str | None:
        embedder = await self._find_embedder()
        if self._is_stale:
            self._is_stale = False
            self._filling.look_everywhere()
        return await self._filling.fill(embedder)

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
