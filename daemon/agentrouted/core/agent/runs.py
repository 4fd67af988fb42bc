"""The runs of a daemon: begun, found again, cancelled."""

import asyncio
import logging
from collections import OrderedDict
from typing import Final
from uuid import uuid4

from agentrouted.core.agent.plan import plan_run
from agentrouted.core.agent.run import run_agent
from agentrouted.core.errors import AgentroutedError, Conflict, NotFound
from agentrouted.core.host import Host
from agentrouted.core.services import Services
from agentrouted_protocol.runs import RunAgentParams, RunResult

logger = logging.getLogger(__name__)

_KEPT: Final = 256


class Run:
    """One run and the task that does it."""

    def __init__(self, run_id: str, params: RunAgentParams, task: "asyncio.Task[RunResult]") -> None:
        self.run_id = run_id
        self.params = params
        self._task = task
        self._cancelled = False

    def cancel(self) -> bool:
        """Stop it, once. False if it had ended by itself."""
        if self._task.done():
            return False
        if not self._cancelled:
            self._cancelled = True
            # In the next tick: a task that is cancelled before its first step would end without a result.
            asyncio.get_running_loop().call_soon(self._task.cancel)
        return True

    async def result(self) -> RunResult:
        """Wait for the end; raises what the run raised. Whoever stops waiting does not stop the run."""
        return await asyncio.shield(self._task)

    async def ended(self) -> None:
        """Wait for the end, whatever it is."""
        await asyncio.wait([self._task])

    def report_unexpected(self) -> None:
        """Log what is a fault of ours. An expected error is its caller's, who may be gone."""
        error = None if self._task.cancelled() else self._task.exception()
        if error is not None and not isinstance(error, AgentroutedError):
            logger.error("run %s failed", self.run_id, exc_info=error)


class Runs:
    """Owns every run's task. Ended runs are remembered for a while, so that an id asked twice is one run."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._running: dict[str, Run] = {}
        self._ended: OrderedDict[str, Run] = OrderedDict()

    @property
    def running(self) -> int:
        return len(self._running)

    def start(self, params: RunAgentParams, host: Host) -> Run:
        """Begin a run, or find the one with the same `runId`.

        Raises what `plan_run` raises, and `Conflict` if that id was used for something else.
        """
        known = self._find(params.run_id) if params.run_id else None
        if known is None:
            return self._start(params, host)
        if not _same(known.params, params):
            raise Conflict(f"run `{known.run_id}` was begun with other parameters", hint="use a new `runId`")
        return known

    def get(self, run_id: str) -> Run:
        run = self._find(run_id)
        if run is None:
            raise NotFound(f"there is no run `{run_id[:128]}`")
        return run

    async def aclose(self) -> None:
        """Cancel what runs and wait for the ends."""
        running = list(self._running.values())
        for run in running:
            run.cancel()
        for run in running:
            await run.ended()

    def _find(self, run_id: str) -> Run | None:
        return self._running.get(run_id) or self._ended.get(run_id)

    def _start(self, params: RunAgentParams, host: Host) -> Run:
        plan = plan_run(self._services.config.current, params)
        run_id = params.run_id or uuid4().hex
        task = asyncio.get_running_loop().create_task(run_agent(self._services, plan, host, run_id))
        run = self._running[run_id] = Run(run_id, params, task)
        task.add_done_callback(lambda _: self._end(run))
        return run

    def _end(self, run: Run) -> None:
        self._ended[run.run_id] = self._running.pop(run.run_id)
        if len(self._ended) > _KEPT:
            self._ended.popitem(last=False)
        run.report_unexpected()


def _same(one: RunAgentParams, other: RunAgentParams) -> bool:
    unrelated = {"meta", "work_done_token", "partial_result_token"}
    return one.model_dump(exclude=unrelated) == other.model_dump(exclude=unrelated)
