"""What servers answered, kept for a while."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Answers(Generic[T]):
    """Each question is asked once in a while, and by one at a time: who comes meanwhile gets the same answer.

    `fresh` is for how many seconds an answer holds; `fresh_if_none` is the same where there was none: what is not there
    yet may be soon.
    """

    def __init__(self, fresh: float, fresh_if_none: float) -> None:
        self._fresh = fresh
        self._fresh_if_none = fresh_if_none
        self._said: dict[Hashable, tuple[float, T | None]] = {}
        self._asking: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T | None]]) -> T | None:
        if not self._is_fresh(key):
            async with self._asking[key]:
                if not self._is_fresh(key):
                    self.put(key, await ask())
        return self._said[key][1]

    def put(self, key: Hashable, answer: T | None) -> None:
        """It is known without asking."""
        self._said[key] = (time.monotonic(), answer)

    def _is_fresh(self, key: Hashable) -> bool:
        said_at, answer = self._said.get(key, (float("-inf"), None))
        return time.monotonic() - said_at <= (self._fresh_if_none if answer is None else self._fresh)
