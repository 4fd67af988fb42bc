"""A run under way: its events, and its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Self

from agentrouted_client.parsing import parse_event
from agentrouted_client.tools import ClientTool
from agentrouted_protocol.base import WireModel
from agentrouted_protocol.events import AgentEnd, RunEvent
from agentrouted_protocol.runs import RunIdParams, RunResult, RunSteerParams


class Run(AsyncIterator[RunEvent]):
    """Iterate over it for its events, once; await `result` for its end, with or without having iterated.

    Both raise `RpcError` if the run failed. Cancelling the task that waits here cancels the run, unless it was
    detached, attached, resumed or forked: those go on by themselves, here and when the connection is lost.
    Events wait for whoever iterates; those that come while only `result` has been asked for are dropped. Events of the
    agents that it calls come too: they have a `parent_run_id`, and a `run_id` and `seq` of their own.
    """

    def __init__(
        self,
        run_id: str,
        tools: Mapping[str, ClientTool],
        result: asyncio.Future[RunResult],
        request: Callable[[str, WireModel], Awaitable[Any]],
        *,
        over: asyncio.Event | None = None,
        last_seq: int = 0,
    ) -> None:
        self.run_id = run_id
        self.tools = tools
        self.last_seq = last_seq
        """Of the last event of its own that iterating gave: `client.attach(run_id, run.last_seq)` goes on behind it."""

        self.gap = False
        """Whether events are missing before the first: the daemon did not keep them, or never had them."""

        self._result = result
        self._is_awaited = False
        self._is_iterated = False
        self._request = request
        self._over = over
        self._events: asyncio.Queue[RunEvent | None] = asyncio.Queue()
        result.add_done_callback(lambda _: self._events.put_nowait(None))

    @property
    def result(self) -> asyncio.Future[RunResult]:
        self._is_awaited = True
        return self._result if self._over is None else asyncio.shield(self._result)

    async def cancel(self) -> None:
        """Stop it. `result` still comes, with `stop_reason` "cancelled" and what was spent."""
        await self._request("run/cancel", RunIdParams(run_id=self.run_id))

    async def steer(self, text: str) -> None:
        """Say something to the model, as the user, before its next turn. Raises `RpcError` when the run is over."""
        await self._request("run/steer", RunSteerParams(run_id=self.run_id, text=text))

    def deliver(self, params: Any) -> None:
        """Take in the params of one `run/event`."""
        event = parse_event(params)
        is_wanted = self._is_iterated or not self._is_awaited
        if event and is_wanted:
            self._events.put_nowait(event)
        if isinstance(event, AgentEnd) and event.run_id == self.run_id:
            self.end()

    def end(self) -> None:
        """No event comes any more. Where no answer tells the result, it is asked for now."""
        if self._over is not None:
            self._over.set()

    def when_ended(self, call: Callable[[], object]) -> None:
        self._result.add_done_callback(lambda _: call())

    def stop(self) -> asyncio.Future[RunResult]:
        """Do not wait for its end any more."""
        self._result.cancel()
        return self._result

    def __aiter__(self) -> Self:
        self._is_iterated = True
        return self

    async def __anext__(self) -> RunEvent:
        self._is_iterated = True
        try:
            event = await self._events.get()
        except asyncio.CancelledError:
            if self._over is None:
                self._result.cancel()
            raise
        if event is None:
            self._events.put_nowait(None)
            await self._result
            raise StopAsyncIteration
        if event.run_id == self.run_id:
            self.last_seq = event.seq
        return event
