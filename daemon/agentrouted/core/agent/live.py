"""One run that is under way in this process."""

import asyncio
from collections.abc import Callable
from typing import Any

from agentrouted.core.agent.audience import Audience
from agentrouted.core.agent.context import RunContext
from agentrouted.core.host import Host
from agentrouted_protocol.runs import RunResult, RunStatus


class Run:
    """A run and the task that does it."""

    def __init__(self, context: RunContext, fingerprint: str, *, stays: bool) -> None:
        self.context = context
        self.fingerprint = fingerprint
        self.stays = stays
        """Whether it goes on when nobody follows it any more."""

        self.suspended = False
        """Whether it is stopped in order to be resumed by another process."""

        self.is_over = False
        """Whether its last event is out, and only the journal is waited for."""

        self.recorded = asyncio.Event()
        """Set when the journal knows it, if there is one: from then on it is found there."""

        self.waiters = 0
        """How many wait for the result."""

        self._task: asyncio.Task[RunResult] | None = None
        self._cancelled = False

    @property
    def run_id(self) -> str:
        return self.context.run_id

    @property
    def audience(self) -> Audience:
        return self.context.audience

    @property
    def status(self) -> RunStatus:
        return "waiting" if self.audience.waiting else "running"

    @property
    def goes_on(self) -> bool:
        """Whether somebody follows it still, or nobody has to."""
        return self.stays or not self.audience.is_empty

    def begin(self, task: "asyncio.Task[RunResult]") -> None:
        self._task = task
        task.add_done_callback(lambda _: self.context.emitter.release())
        # Its error is looked at, so that asyncio does not report it as lost where nobody waits for the result.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        task.add_done_callback(lambda _: self.recorded.set())

    def cancel(self) -> bool:
        """Stop it, once. False if it had ended by itself."""
        if self._task is None or self._task.done():
            return False
        if not self._cancelled:
            self._cancelled = True
            # In the next tick: a task that is cancelled before its first step would end without a result.
            asyncio.get_running_loop().call_soon(self._task.cancel)
        return True

    def suspend(self) -> None:
        """Stop it as if the process had been killed: it can be resumed."""
        self.suspended = True
        if self.context.recorder is not None:
            self.context.recorder.stop(self.context.state)
        # To who follows it, it has not ended: the connection will.
        self.audience.dismiss()
        self.cancel()

    def when_ended(self, call: Callable[[], object]) -> None:
        self._running.add_done_callback(lambda _: call())

    def left(self, host: Host) -> None:
        """A follower is gone. When the last one is, so is the run, unless it stays."""
        self.audience.remove(host)
        if not self.goes_on:
            self.cancel()

    def steer(self, text: str) -> None:
        self.context.state.steering.append(text)
        self.context.post()

    async def result(self) -> RunResult:
        """Wait for the end; raises what the run raised. Whoever stops waiting does not stop the run."""
        self.waiters += 1
        try:
            return await asyncio.shield(self._running)
        finally:
            self.waiters -= 1

    async def ended(self) -> None:
        """Wait for the end, whatever it is."""
        await asyncio.wait([self._running])

    @property
    def _running(self) -> "asyncio.Task[Any]":
        assert self._task is not None
        return self._task
