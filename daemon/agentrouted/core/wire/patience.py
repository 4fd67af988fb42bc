"""A time limit on each of many waits."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """Waits, each at most `limit` seconds, with one timer for all of them. Call `stop` at the end.

    A stream waits for every word, and `asyncio.timeout` sets and drops a timer each time, which is a good part of
    what a word costs. Here the timer looks, when it fires, how long the wait has lasted, and sleeps on.
    """

    def __init__(self, limit: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._since = 0.0
        self._expired = False
        self._limit = limit
        self._timer = self._loop.call_later(limit, self._look)

    async def wait(self, awaited: Awaitable[T]) -> T:
        """Raises TimeoutError when the limit is reached."""
        self._task = task = asyncio.current_task()
        self._since = self._loop.time()
        self._expired = False
        # As `asyncio.timeout` does: the task may go on from a cancellation of long ago.
        cancels = task.cancelling() if task else 0
        try:
            return await awaited
        except asyncio.CancelledError:
            if self._expired and task is not None and task.uncancel() <= cancels:
                raise TimeoutError from None
            raise
        finally:
            self._task = None

    def change(self, limit: float) -> None:
        """Another limit from here on."""
        self._timer.cancel()
        self._limit = limit
        self._timer = self._loop.call_later(limit, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        left = self._limit if self._task is None else self._since + self._limit - self._loop.time()
        if self._task is not None and left <= 0:
            self._expired = True
            self._task.cancel()
        else:
            self._timer = self._loop.call_later(left, self._look)
