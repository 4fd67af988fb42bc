"""What is opened when it is needed first, once for all."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Opened(Generic[T]):
    """Whoever asks while it is being opened waits for the same; what could not be opened stays so."""

    def __init__(self, open_it: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._open = open_it
        self._opening: asyncio.Task[T] | None = None

    async def get(self) -> T:
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            # Its error is looked at, so that asyncio does not report it as lost where nobody waits any more.
            self._opening.add_done_callback(lambda done: done.cancelled() or done.exception())
        # Whoever stops waiting does not stop the others.
        return await asyncio.shield(self._opening)

    async def if_opened(self) -> T | None:
        """Without opening it."""
        return None if self._opening is None else await self.get()
