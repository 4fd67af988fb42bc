"""A run whose events are read as they come."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from agentrouted.face.channel import Channel
from agentrouted.face.result import Event, Result
from agentrouted.face.run import Run


class RunStream(AsyncIterator[Event]):
    """The events of a run, to be read once; the run begins when the first is asked for.

    It raises what the run raises. Whoever stops reading before the end ends the run: `async with` does so at once, and
    so does `aclose`.
    """

    def __init__(self, begin: Callable[[Channel[Event]], Run]) -> None:
        self._progress = _Progress()
        self._events = _read(begin, self._progress)

    @property
    def result(self) -> Result:
        """When all events are read."""
        if self._progress.result is None:
            raise RuntimeError("the run has no result yet: read its events to the end")
        return self._progress.result

    def cancel(self) -> None:
        """End the run: its last events come, and its result says what was done."""
        if self._progress.run is not None:
            self._progress.run.cancel()

    async def aclose(self) -> None:
        await self._events.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        return await anext(self._events)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


@dataclass
class _Progress:
    run: Run | None = None
    result: Result | None = None


async def _read(begin: Callable[[Channel[Event]], Run], progress: _Progress) -> AsyncGenerator[Event, None]:
    # It does not hold the stream, so that one that nobody holds any more is closed at once, and not when the garbage
    # is collected.
    heard = Channel[Event]()
    progress.run = begin(heard)
    running = asyncio.create_task(progress.run.to_end())
    running.add_done_callback(lambda _: heard.close())
    try:
        async for event in heard:
            yield event
        progress.result = await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
