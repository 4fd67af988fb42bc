"""The runs of a daemon: begun, found again, cancelled."""

import asyncio
import hashlib
from collections import OrderedDict
from typing import Final
from uuid import uuid4

from agentrouted.core.agent.plan import plan_run
from agentrouted.core.agent.run import run_agent
from agentrouted.core.errors import Conflict, NotFound
from agentrouted.core.host import Host
from agentrouted.core.services import Services
from agentrouted_protocol.runs import RunAgentParams, RunResult

_KEPT: Final = 256
_KEPT_CHARACTERS: Final = 16 * 1024 * 1024


class Run:
    """One run and the task that does it."""

    def __init__(self, run_id: str, fingerprint: str, task: "asyncio.Task[RunResult]") -> None:
        self.run_id = run_id
        self.fingerprint = fingerprint
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

    def weight(self) -> int:
        """Characters of an ended run's transcript. Looks at its error, so that asyncio does not report it as lost."""
        if self._task.cancelled() or self._task.exception() is not None:
            return 0
        return sum(len(message.content) for message in self._task.result().messages)


class Runs:
    """Owns every run's task. Ended runs are remembered for a while, so that an id asked twice is one run."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._running: dict[str, Run] = {}
        self._ended: OrderedDict[str, Run] = OrderedDict()
        self._ended_weight = 0

    @property
    def running(self) -> int:
        return len(self._running)

    def start(self, params: RunAgentParams, host: Host) -> Run:
        """Begin a run. Raises what `plan_run` raises, and `Conflict` if there is one with this `runId`."""
        if params.run_id and self._find(params.run_id):
            raise Conflict(f"there is a run `{params.run_id}`", hint="use a new `runId`")
        plan = plan_run(self._services.config.current, params)
        run_id = params.run_id or uuid4().hex
        task = asyncio.get_running_loop().create_task(run_agent(self._services, plan, host, run_id))
        run = self._running[run_id] = Run(run_id, _fingerprint(params), task)
        task.add_done_callback(lambda _: self._end(run))
        return run

    def begun(self, params: RunAgentParams) -> Run | None:
        """The run that was begun with the same `runId`. Raises `Conflict` if the rest is not the same."""
        run = self._find(params.run_id) if params.run_id else None
        if run is not None and run.fingerprint != _fingerprint(params):
            raise Conflict(f"run `{run.run_id}` was begun with other parameters", hint="use a new `runId`")
        return run

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

    def _end(self, run: Run) -> None:
        self._ended[run.run_id] = self._running.pop(run.run_id)
        self._ended_weight += run.weight()
        while len(self._ended) > _KEPT or self._ended_weight > _KEPT_CHARACTERS:
            _, oldest = self._ended.popitem(last=False)
            self._ended_weight -= oldest.weight()


def _fingerprint(params: RunAgentParams) -> str:
    """Tells requests apart without keeping their prompts and keys."""
    text = params.model_dump_json(exclude={"meta", "work_done_token", "partial_result_token"})
    return hashlib.sha256(text.encode()).hexdigest()
