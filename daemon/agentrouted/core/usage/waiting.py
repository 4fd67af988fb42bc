"""Calls that wait for room in a budget, each in its turn."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from weakref import WeakValueDictionary

from agentrouted.core.usage.call import Call
from agentrouted.core.usage.limits import Limit

# Seconds that a call waits at most; and after which the one whose turn it is looks again, since other processes end
# calls, too.
PATIENCE: Final = 60.0
_LOOK: Final = 0.25


class Lines:
    """Those of one process, a line for each budget. Who has room without waiting need not stand in one."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        """Set when the next call under way has ended."""

        self.turns = WeakValueDictionary[tuple[str, str], asyncio.Lock]()

    def call_has_ended(self) -> None:
        self.ended.set()
        self.ended = asyncio.Event()

    def turn(self, limit: Limit, call: Call) -> asyncio.Lock:
        """Whose turn it is among those that wait for the same room. A budget for each run has a line for each."""
        return self.turns.setdefault((limit.name, call.tree if limit.per == "run" else ""), asyncio.Lock())


class Waiting:
    """One call: at the end of a line when it is first told to wait, until it leaves."""

    def __init__(self) -> None:
        self.is_patient = True
        """Until it has waited for long. Then it may look once more."""

        self._turn: asyncio.Lock | None = None
        self._until: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()

    @property
    def has_begun(self) -> bool:
        return self._until is not None

    async def wait(self, turn: asyncio.Lock, ended: asyncio.Event) -> None:
        """Until it is worth to look again. `ended` is that from before the last look."""
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + PATIENCE
        try:
            async with asyncio.timeout_at(self._until):
                if self._turn is turn:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK):
                            await ended.wait()
                else:
                    self.leave()
                    await turn.acquire()
                    self._turn = turn
        except TimeoutError:
            self.is_patient = False

    def leave(self) -> None:
        """Nobody is held up by who looks no more, or asks a person."""
        if self._turn is not None:
            self._turn.release()
            self._turn = None
