"""What comes from the core's event loop to a caller's."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Generic, TypeVar

from agentrouted.face.inbox import inbox_here

_Item = TypeVar("_Item")


class Channel(Generic[_Item]):
    """Make it on the loop that reads; `put` from any thread, which never waits."""

    def __init__(self) -> None:
        self._inbox = inbox_here()
        self._items: deque[_Item] = deque()
        self._arrived = asyncio.Event()
        self._is_waking = False
        self._is_closed = False

    def __len__(self) -> int:
        """How many wait to be read."""
        return len(self._items)

    def put(self, item: _Item) -> None:
        self._items.append(item)
        self._wake_reader()

    def close(self) -> None:
        """After what was put before, reading ends."""
        self._is_closed = True
        self._wake_reader()

    async def __aiter__(self) -> AsyncIterator[_Item]:
        while True:
            self._arrived.clear()
            is_closed = self._is_closed
            while self._items:
                yield self._items.popleft()
            if is_closed:
                return
            await self._arrived.wait()

    def _wake_reader(self) -> None:
        if not self._is_waking:
            self._is_waking = True
            with suppress(RuntimeError):  # the loop is closed: nobody reads
                self._inbox.put(self._woken)

    def _woken(self) -> None:
        self._is_waking = False
        self._arrived.set()
