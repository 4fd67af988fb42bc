"""A run under way: its events, and its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Self

from agentrouted_client.parsing import parse_event
from agentrouted_client.tools import ClientTool
from agentrouted_protocol.events import RunEvent
from agentrouted_protocol.runs import RunResult


class Run(AsyncIterator[RunEvent]):
    """Iterate over it for its events, once; await `result` for its end, with or without having iterated.

    Both raise `RpcError` if the run failed. Cancelling the task that waits here cancels the run.
    Events wait for whoever iterates; those that come while only `result` has been asked for are dropped.
    """

    def __init__(
        self,
        run_id: str,
        tools: Mapping[str, ClientTool],
        result: asyncio.Future[RunResult],
        request_cancel: Callable[[str], Awaitable[Any]],
    ) -> None:
        self.run_id = run_id
        self.tools = tools
        self._result = result
        self._is_awaited = False
        self._is_iterated = False
        self._request_cancel = request_cancel
        self._events: asyncio.Queue[RunEvent | None] = asyncio.Queue()
        result.add_done_callback(lambda _: self._events.put_nowait(None))

    @property
    def result(self) -> asyncio.Future[RunResult]:
        self._is_awaited = True
        return self._result

    async def cancel(self) -> None:
        """Stop it. `result` still comes, with `stop_reason` "cancelled" and what was spent."""
        await self._request_cancel(self.run_id)

    def deliver(self, params: Any) -> None:
        """Take in the params of one `run/event`."""
        is_wanted = self._is_iterated or not self._is_awaited
        if is_wanted and (event := parse_event(params)):
            self._events.put_nowait(event)

    def __aiter__(self) -> Self:
        self._is_iterated = True
        return self

    async def __anext__(self) -> RunEvent:
        self._is_iterated = True
        try:
            event = await self._events.get()
        except asyncio.CancelledError:
            self._result.cancel()
            raise
        if event is None:
            self._events.put_nowait(None)
            await self._result
            raise StopAsyncIteration
        return event
