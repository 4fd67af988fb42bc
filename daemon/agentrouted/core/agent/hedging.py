"""Several endpoints asked at once: who speaks first answers."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

from agentrouted.core.errors import AgentroutedError, BudgetExceeded, ProviderTimeout
from agentrouted.core.routing.endpoints import ResolvedEndpoint

_Answer = TypeVar("_Answer")

HasTheWord = Callable[[], bool]
"""To be asked before anything of a reply is passed on: False where somebody else has begun to answer."""


def alone() -> bool:
    """Nobody else is asked."""
    return True


async def ask_hedged(
    turn: Iterator[ResolvedEndpoint],
    ask: Callable[[HasTheWord, ResolvedEndpoint], Coroutine[Any, Any, _Answer]],
    goes_on: Callable[[AgentroutedError, ResolvedEndpoint, ResolvedEndpoint], bool],
    after: float,
) -> _Answer:
    """What the first endpoint answers that speaks. After so many seconds without a word the next one is asked as well.

    As soon as one of them speaks, the others are cancelled. An error counts when nobody else is left who was asked.
    Whom there was no room in a budget to ask at the same time is asked after it.
    """
    race = _Race[_Answer]()
    candidate, silence = next(turn), ProviderTimeout(f"no word for {after:g} s")
    patience: float | None = after
    race.begin(ask, candidate)
    try:
        while True:
            try:
                return await race.answer(patience)
            except TimeoutError:
                error: AgentroutedError = silence
            except AgentroutedError as failure:
                error = failure
            following = next(turn, None) if error is silence else race.refused() or next(turn, None)
            if following is not None and goes_on(error, candidate, following):
                candidate = following
                race.begin(ask, candidate)
            elif error is silence:
                patience = None
            else:
                raise error
    finally:
        await race.end()


class _Race(Generic[_Answer]):
    def __init__(self) -> None:
        self._running: dict[asyncio.Task[_Answer], ResolvedEndpoint] = {}
        self._speaker: ResolvedEndpoint | None = None
        self._refused: list[ResolvedEndpoint] = []

    def begin(
        self,
        ask: Callable[[HasTheWord, ResolvedEndpoint], Coroutine[Any, Any, _Answer]],
        candidate: ResolvedEndpoint,
    ) -> None:
        if not self._running:
            self._speaker = None
        task = asyncio.create_task(ask(partial(self._takes_the_word, candidate), candidate))
        self._running[task] = candidate

    async def answer(self, after: float | None) -> _Answer:
        """Raises TimeoutError if nobody has spoken after so many seconds, and the last error if all have failed."""
        failure: BaseException = asyncio.CancelledError()
        while self._running:
            timeout = None if self._speaker else after
            done, _ = await asyncio.wait(self._running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not done and not self._speaker:
                raise TimeoutError
            for task in done:
                candidate = self._running.pop(task)
                if task.cancelled():
                    continue
                if (error := task.exception()) is None:
                    return task.result()
                failure = error
                if isinstance(error, BudgetExceeded) and self._running:
                    self._refused.append(candidate)
        raise failure

    def refused(self) -> ResolvedEndpoint | None:
        """Who was not asked because what there is was set aside for others, who have failed by now."""
        return self._refused.pop(0) if self._refused else None

    async def end(self) -> None:
        """Cancels whoever is still asked, and waits until what they have cost is known."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _takes_the_word(self, candidate: ResolvedEndpoint) -> bool:
        if self._speaker is None:
            self._speaker = candidate
            for task, other in self._running.items():
                if other is not candidate:
                    task.cancel()
        return self._speaker is candidate
