"""The index of words, put in order when nobody writes."""

import asyncio
import contextlib
from typing import Final

from agentrouted.core.errors import Storage
from agentrouted.core.memory.index import clean_index, merge_parts
from agentrouted.core.storage.database import Database

# Seconds after something was written or forgotten: more may follow.
_QUIET: Final = 0.5

# Seconds after it could not be written, such as to a disk that is full.
_AGAIN: Final = 30.0

# Fewer new parts of the index than these slow nobody down.
_WORTH_MERGING: Final = 10

# Seconds that the end of the process waits for what was forgotten.
_AT_THE_END: Final = 0.3


class Tidying:
    """What was forgotten leaves the index soon. What was added is merged with the rest of it, when no more comes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._added = 0
        self._forgotten = self._cleaned = 0
        self._task: asyncio.Task[None] | None = None

    def after_adding(self) -> None:
        self._added += 1
        if self._added >= _WORTH_MERGING:
            self._begin()

    def after_importing(self) -> None:
        self._added += _WORTH_MERGING
        self._begin()

    def after_forgetting(self) -> None:
        self._forgotten += 1
        self._begin()

    async def aclose(self) -> None:
        """What was forgotten shortly before is cleaned away, if that does not take long."""
        if self._task is not None and self._task.cancel():
            await asyncio.wait([self._task])
            with contextlib.suppress(Storage, TimeoutError):
                async with asyncio.timeout(_AT_THE_END):
                    await self._clean()

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._when_quiet())

    async def _when_quiet(self) -> None:
        while self._cleaned < self._forgotten or self._added >= _WORTH_MERGING:
            added = self._added
            await asyncio.sleep(_QUIET)
            try:
                await self._clean()
                if added == self._added:
                    await self._merge()
            except Storage:
                self._added = max(self._added, added)
                await asyncio.sleep(_AGAIN)

    async def _clean(self) -> None:
        forgotten = self._forgotten
        while self._cleaned < forgotten:
            if not await self._database.write(clean_index):
                self._cleaned = forgotten

    async def _merge(self) -> None:
        self._added = 0
        while self._added == 0 and await self._database.write(merge_parts):
            pass
