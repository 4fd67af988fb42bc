"""Calls that wait for room in a budget, each in its turn."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

# Seconds that a call waits at most; and after which the one whose turn it is looks again, since other processes end
# calls, too.
PATIENCE: Final = 60.0
_LOOK: Final = 0.25


class Lines:
    """Those of one process, a line for each budget. Who has room without waiting need not stand in one."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        """Set when the next call under way has ended."""

        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def call_has_ended(self) -> None:
        self.ended.set()
        self.ended = asyncio.Event()


class Waiting:
    """One call: at the end of a line when it is first told to wait, until it leaves."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._turn: asyncio.Lock | None = None
        self._until = asyncio.get_running_loop().time() + PATIENCE

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()

    async def wait(self, budget: str, ended: asyncio.Event) -> bool:
        """Until it is worth to try again; False when it has waited for long: then it stands in no line any more.

        `ended` is that from before it tried.
        """
        try:
            async with asyncio.timeout_at(self._until):
                turn = self._lines.turns[budget]
                if self._turn is turn:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK):
                            await ended.wait()
                else:
                    self._leave()
                    await turn.acquire()
                    self._turn = turn
        except TimeoutError:
            self._leave()
            return False
        return True

    def _leave(self) -> None:
        if self._turn is not None:
            self._turn.release()
            self._turn = None
