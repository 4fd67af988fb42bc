"""The runs of a process: begun, found, resumed, cancelled."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from agentrouted.core.agent.audience import Audience
from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.agent.inside import NOBODYS, Inside
from agentrouted.core.agent.life import live, load, other_parameters, refuse_elsewhere
from agentrouted.core.agent.live import Run
from agentrouted.core.agent.plan import Plan, plan_run
from agentrouted.core.agent.sessions import Sessions, Turn
from agentrouted.core.agent.state import RunState
from agentrouted.core.errors import Conflict, ToolFailed
from agentrouted.core.host import Host
from agentrouted.core.journal.base import Journal, Page, RunRecord, StoredRun
from agentrouted.core.services import Services
from agentrouted.core.usage.budget import RunBudget
from agentrouted.core.usage.call import NOBODY, Caller
from agentrouted_protocol.runs import RunAgentParams, RunListParams, RunResult, RunStatus

_DEEPEST: Final = 8
_LONGEST_ID: Final = 128
OpenJournal = Callable[[], Coroutine[Any, Any, Journal]]

# What no journal keeps: keys, and what belongs to one request only.
_NOT_KEPT: Final = {"api_key", "meta", "work_done_token", "partial_result_token", "run_id"}


class Runs:
    """Owns every run's task. With a journal, which is opened when it is needed first, runs outlive the process."""

    def __init__(self, services: Services, open_journal: OpenJournal | None = None) -> None:
        self._services = services
        self._open_journal = open_journal
        self._journal: asyncio.Task[Journal] | None = None
        self._running: dict[str, Run] = {}
        self._sessions = Sessions()

    @property
    def running(self) -> int:
        return len(self._running)

    def find(self, run_id: str) -> Run | None:
        """The run if it is under way in this process."""
        run = self._running.get(run_id)
        return None if run is None or run.is_over else run

    def start(
        self,
        params: RunAgentParams,
        host: Host,
        inside: Inside = NOBODYS,
        parent_run_id: str | None = None,
        caller: Caller = NOBODY,
    ) -> Run:
        """Begin a run, or join the one that was begun with the same `runId`.

        Raises what `plan_run` raises, and `Conflict` if the run with this id was begun with other parameters. One that
        is in the journal only is found when the run begins: then its result, or its error, is this one's.
        """
        fingerprint = fingerprint_of(params)
        if params.run_id and (run := self._running.get(params.run_id)):
            if run.fingerprint != fingerprint:
                raise other_parameters(run.run_id)
            run.audience.add(host)
            return run
        plan = self._plan(params, host, caller)
        stays = params.detach or params.on_disconnect == "continue"
        context = self._make(plan, params.run_id or uuid4().hex, Audience(host, stays=stays), inside, caller)
        return self._begin(context, fingerprint, _kept(params, plan), stays, parent_run_id=parent_run_id)

    async def resume(self, run_id: str, host: Host, caller: Caller = NOBODY) -> Run:
        """Go on with a run that was interrupted. One that is under way is joined."""
        if run := self._joined(run_id, host):
            return run
        stored = await self.stored(run_id)
        # Somebody else may have resumed it while we looked.
        if run := self._joined(run_id, host):
            return run
        refuse_elsewhere(stored)
        if stored.status != "interrupted":
            raise Conflict(f"run `{run_id}` is {stored.status}", hint="`run/fork` begins a new one from it")
        params = RunAgentParams.model_validate({**stored.record.params, "runId": run_id})
        plan = self._plan(params, host, caller)
        context = self._make(plan, run_id, Audience(host, stays=True), NOBODYS, caller)
        return self._begin(context, stored.record.fingerprint, stored.record.params, True, stored)

    def _joined(self, run_id: str, host: Host) -> Run | None:
        """The run, with one more follower, if it is under way."""
        run = self._running.get(run_id)
        if run is not None:
            run.audience.add(host)
        return run

    async def stored(self, run_id: str) -> StoredRun:
        """What the journal has of a run. Raises `NotFound`."""
        if run := self._running.get(run_id):
            await run.recorded.wait()
            if not run.is_over:
                run.context.post()
                stored = await load(await self.journal(), run_id)
                if not run.is_over:
                    return stored
            # Its followers hear the last events before anybody is told of its end.
            await run.ended()
        return await load(await self.journal(), run_id)

    async def page(self, asked: RunListParams) -> Page:
        """Runs of the journal, the newest first."""
        journal = await self.journal()
        if journal is None:
            return Page(())
        # A run that waits for an answer is a running one to the journal.
        status = "running" if asked.status == "waiting" else asked.status
        page = await journal.page(status=status, session_id=asked.session_id, limit=asked.limit, cursor=asked.cursor)
        if asked.status not in ("running", "waiting"):
            return page
        return replace(page, runs=tuple(run for run in page.runs if self._has(run.record.run_id, asked.status)))

    def _has(self, run_id: str, status: RunStatus) -> bool:
        live = self._running.get(run_id)
        return (live.status if live else "running") == status

    async def events(self, run_id: str, after_seq: int) -> list[bytes]:
        """What the journal has of a run's events, as JSON."""
        journal = await self.journal()
        return await journal.events(run_id, after_seq) if journal else []

    async def journal(self) -> Journal | None:
        """Where runs are kept, if they are."""
        if self._open_journal is None:
            return None
        if self._journal is None:
            self._journal = asyncio.create_task(self._open_journal())
        return await asyncio.shield(self._journal)

    async def aclose(self) -> None:
        """End what runs, and wait for the ends. What was to go on without its client can be resumed."""
        running = list(self._running.values())
        for run in running:
            if run.stays and self._journal is not None:
                run.suspend()
            else:
                run.cancel()
        for run in running:
            await run.ended()
        if journal := await self._opened():
            await journal.aclose()

    async def _opened(self) -> Journal | None:
        return await self._journal if self._journal is not None else None

    def _plan(self, params: RunAgentParams, host: Host, caller: Caller) -> Plan:
        snapshot = self._services.config.current.in_folders(caller.folders)
        return plan_run(snapshot, params, asks_client=host.takes_secrets, folders=caller.folders)

    def _make(
        self,
        plan: Plan,
        run_id: str,
        audience: Audience,
        inside: Inside,
        caller: Caller,
        parent: RunContext | None = None,
    ) -> RunContext:
        parent_id = parent.run_id if parent else None
        return RunContext(
            run_id=run_id,
            services=self._services,
            plan=plan,
            audience=audience,
            emitter=Emitter(run_id, audience, stream=plan.stream, parent_run_id=parent_id),
            state=RunState(run_id=run_id, opening=plan.opening),
            budget=RunBudget(plan.limits.max_cost, parent.budget if parent else None),
            start_child=self._child,
            inside=inside,
            turn=self._turn(plan),
            caller=caller,
            tree=(parent.tree or parent.run_id) if parent else "",
            session=plan.session_id or (parent.session if parent else ""),
            depth=parent.depth + 1 if parent else 0,
        )

    def _turn(self, plan: Plan) -> Turn | None:
        if plan.session_id is None:
            return None
        scope = plan.memory.scope if plan.memory else None
        return Turn(self._sessions, self._services.memory, plan.session_id, scope)

    def _begin(
        self,
        context: RunContext,
        fingerprint: str,
        params: dict[str, Any],
        stays: bool,
        stored: StoredRun | None = None,
        parent_run_id: str | None = None,
    ) -> Run:
        run = Run(context, fingerprint, stays=stays)
        record = RunRecord(
            run_id=context.run_id,
            fingerprint=fingerprint,
            params=params,
            agent=context.plan.agent,
            model=context.plan.model,
            session_id=params.get("sessionId"),
            parent_run_id=parent_run_id,
        )
        self._running[run.run_id] = run
        task = asyncio.get_running_loop().create_task(live(run, self.journal, record, stored))
        run.begin(task)
        task.add_done_callback(lambda _: self._running.pop(run.run_id, None))
        return run

    async def _child(self, parent: RunContext, agent: str, prompt: str, call_id: str) -> RunResult:
        """Another agent's run as a part of this one: same audience, under its budget, ended with it."""
        if parent.depth >= _DEEPEST:
            raise ToolFailed(f"agents call agents more than {_DEEPEST} deep")
        params = RunAgentParams(agent=agent, prompt=prompt, stream=parent.plan.stream, boundary=parent.plan.boundary)
        plan = plan_run(parent.plan.snapshot, params, asks_client=parent.audience.takes_secrets)
        # The same id again after a crash: then it goes on where it was.
        context = self._make(plan, child_id(parent.run_id, call_id), parent.audience, NOBODYS, parent.caller, parent)
        if call_id in parent.state.billed:
            # It had ended, and what its parent had spent has it in.
            context.budget = RunBudget(plan.limits.max_cost)
        run = self._begin(context, fingerprint_of(params), _kept(params, plan), True, parent_run_id=parent.run_id)
        try:
            return await run.result()
        except asyncio.CancelledError:
            run.cancel()
            await run.ended()
            raise
        finally:
            parent.add_bill(context.state, call_id)


def child_id(run_id: str, call_id: str) -> str:
    """Of the run that a call begins: always the same, and nobody else's."""
    readable = f"{run_id}.{call_id}"
    return readable if len(readable) <= _LONGEST_ID else hashlib.sha256(readable.encode()).hexdigest()


def fingerprint_of(params: RunAgentParams) -> str:
    """Tells requests apart without keeping their prompts and keys."""
    text = params.model_dump_json(exclude={"meta", "work_done_token", "partial_result_token", "detach"})
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(params: RunAgentParams, plan: Plan) -> dict[str, Any]:
    """What is needed to go on; whoever does, and from wherever, has the memory and the boundary of now."""
    planned = params.model_copy(update={"memory": plan.memory, "boundary": plan.boundary})
    return planned.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_NOT_KEPT)
