"""What the sources of keys share: one fetch for all."""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from pydantic import SecretStr

from agentrouted.core.key_source import FetchedKey

Fetch = Callable[[], Coroutine[Any, Any, SecretStr | None]]


class NoKey(Exception):
    """Why a key cannot be had, as the end of a sentence that begins with it, and the mend."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(why)
        self.why = why
        self.mend = mend


class KeptKeys:
    """Each key is fetched once for all who want it, and kept until it is old or refused. What failed is not kept.

    Who stops waiting does not stop the others; when nobody waits any more, the fetch is cancelled.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Kept] = {}

    async def get(self, name: Hashable, fetch: Fetch, refresh: float = 0.0) -> FetchedKey | None:
        """The key called `name`. It is old after `refresh` seconds; 0 is never. Raises what `fetch` raises."""
        kept = self._kept.get(name)
        if kept is None or time.monotonic() >= kept.old_at:
            kept = self._begin(name, fetch, refresh or math.inf)
        kept.waiting += 1
        try:
            value = await asyncio.shield(kept.task)
        finally:
            kept.waiting -= 1
            if not kept.waiting and not kept.task.done():
                self._forget(name, kept)
                kept.task.cancel()
                await asyncio.wait([kept.task])
        return None if value is None else FetchedKey(value, lambda: self._forget(name, kept))

    def clear(self) -> None:
        self._kept.clear()

    def _begin(self, name: Hashable, fetch: Fetch, refresh: float) -> "_Kept":
        kept = self._kept[name] = _Kept(asyncio.create_task(fetch()))
        kept.task.add_done_callback(lambda task: self._done(name, kept, task, refresh))
        return kept

    def _done(self, name: Hashable, kept: "_Kept", task: "asyncio.Task[SecretStr | None]", refresh: float) -> None:
        if task.cancelled() or task.exception() or task.result() is None:
            self._forget(name, kept)
        kept.old_at = time.monotonic() + refresh

    def _forget(self, name: Hashable, kept: "_Kept") -> None:
        # A newer one may be there already, fetched for another run that was refused before us.
        if self._kept.get(name) is kept:
            del self._kept[name]


class _Kept:
    def __init__(self, task: "asyncio.Task[SecretStr | None]") -> None:
        self.task = task
        self.waiting = 0
        self.old_at = math.inf
