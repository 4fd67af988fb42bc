"""`runAgent`, `run/*` and `agent/list`."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from agentrouted.core.agent.attach import attach
from agentrouted.core.agent.fork import forked
from agentrouted.core.agent.life import refuse_elsewhere
from agentrouted.core.agent.limits import strictest
from agentrouted.core.agent.live import Run
from agentrouted.core.config.document import dotted
from agentrouted.core.errors import Conflict, InvalidParams
from agentrouted.core.journal.base import StoredRun
from agentrouted.server.session import ClientSession
from agentrouted_protocol.base import Empty, NoParams, Token
from agentrouted_protocol.errors import ErrorObject
from agentrouted_protocol.runs import (
    AgentEntry,
    AgentListResult,
    RunAgentParams,
    RunAttachParams,
    RunAttachResult,
    RunCancelResult,
    RunForkParams,
    RunGetResult,
    RunIdParams,
    RunListParams,
    RunListResult,
    RunResult,
    RunStarted,
    RunSteerParams,
    RunSummary,
)


def run_agent(session: ClientSession, params: RunAgentParams) -> Coroutine[Any, Any, RunResult] | RunStarted:
    """Run to the end; with `detach`, say that it has begun. The same `runId` again is the same run.

    The run has begun when this returns: a `run/cancel` right behind the request finds it.
    """
    if params.tools and not session.options.tools:
        raise InvalidParams(
            "`tools` were sent by a client that has not offered to run tools",
            hint="send `initializationOptions: {agentrouted: {tools: true}}` and answer `tool/call`",
        )
    _refuse_to_wait_for_itself(session, params)
    host = session.host(params)
    run = session.core.runs.start(params, host, caller=session.caller)
    session.follow(run, host)
    return _started(run) if params.detach else _result(session, run, params.work_done_token)


async def cancel_run(session: ClientSession, params: RunIdParams) -> RunCancelResult:
    run = session.core.runs.find(params.run_id)
    if run is None:
        refuse_elsewhere(await session.core.runs.stored(params.run_id))
    return RunCancelResult(run_id=params.run_id, cancelled=run is not None and run.cancel())


async def attach_run(session: ClientSession, params: RunAttachParams) -> RunAttachResult:
    """The events after `afterSeq` go out before the answer, those to come after it."""
    host = session.host(params)
    attached = await attach(session.core.runs, params.run_id, params.after_seq, host)
    if attached.run is not None:
        session.follow(attached.run, host)
    stored = attached.stored
    return RunAttachResult(
        run_id=params.run_id,
        status=attached.run.status if attached.run else stored.status,
        last_seq=attached.last_seq,
        gap=attached.gap,
        result=_stored_result(stored),
        error=_stored_error(stored),
    )


def steer_run(session: ClientSession, params: RunSteerParams) -> Empty | Coroutine[Any, Any, Empty]:
    """The run hears of it before anything that was sent behind it."""
    run = session.core.runs.find(params.run_id)
    if run is None:
        return _not_steered(session, params.run_id)
    run.steer(params.text)
    return Empty()


async def resume_run(session: ClientSession, params: RunIdParams) -> RunStarted:
    host = session.host(params)
    run = await session.core.runs.resume(params.run_id, host, session.caller)
    session.follow(run, host)
    return _started(run)


async def fork_run(session: ClientSession, params: RunForkParams) -> RunStarted:
    stored = await session.core.runs.stored(params.run_id)
    host = session.host(params)
    run = session.core.runs.start(
        await forked(stored, params, session.core.services.memory),
        host,
        parent_run_id=params.run_id,
        caller=session.caller,
    )
    session.follow(run, host)
    return _started(run)


async def get_run(session: ClientSession, params: RunIdParams) -> RunGetResult:
    stored = await session.core.runs.stored(params.run_id)
    return RunGetResult(
        **dict(_summary(session, stored)),
        messages=[message for _, message in stored.messages],
        result=_stored_result(stored),
        error=_stored_error(stored),
        last_seq=stored.last_seq,
    )


async def list_runs(session: ClientSession, params: RunListParams) -> RunListResult:
    page = await session.core.runs.page(params)
    return RunListResult(runs=[_summary(session, run) for run in page.runs], next_cursor=page.next_cursor)


def list_agents(session: ClientSession, params: NoParams) -> AgentListResult:
    snapshot = session.snapshot
    config = snapshot.config
    return AgentListResult(
        agents=[
            AgentEntry(
                name=name,
                description=agent.description,
                model=agent.model,
                instructions=agent.instructions,
                max_turns=strictest(RunAgentParams(), agent, config.daemon.limits).max_turns,
                origin=snapshot.origins.get(dotted(("agents", name))),
            )
            for name, agent in config.agents.items()
        ]
    )


def _refuse_to_wait_for_itself(session: ClientSession, params: RunAgentParams) -> None:
    """A run that waits for its session, while the run before it waits for a tool of the same client."""
    if params.session_id is None or params.detach:
        return
    for run in session.followed:
        if run.context.plan.session_id == params.session_id and run.audience.calling and run.run_id != params.run_id:
            raise Conflict(
                f"run `{run.run_id}` of this session waits for a tool of yours, and this run would wait for that one",
                hint="answer the `tool/call` first, send `detach`, or use another `sessionId`",
            )


async def _result(session: ClientSession, run: Run, token: Token | None) -> RunResult:
    with session.showing(run, token):
        try:
            return await run.result()
        except asyncio.CancelledError:
            if run.waiters or (session.is_closed and run.goes_on):
                raise
            run.cancel()
            return await run.result()


async def _not_steered(session: ClientSession, run_id: str) -> Empty:
    stored = await session.core.runs.stored(run_id)
    refuse_elsewhere(stored)
    raise Conflict(f"run `{run_id}` is {stored.status}", hint="`run/fork` goes on from where it ended")


def _started(run: Run) -> RunStarted:
    return RunStarted(run_id=run.run_id, status=run.status)


def _summary(session: ClientSession, stored: StoredRun) -> RunSummary:
    live = session.core.runs.find(stored.record.run_id)
    return RunSummary(
        run_id=stored.record.run_id,
        status=live.status if live else stored.status,
        agent=stored.record.agent,
        model=stored.record.model,
        session_id=stored.record.session_id,
        parent_run_id=stored.record.parent_run_id,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        usage=live.context.state.usage if live else stored.usage,
    )


def _stored_result(stored: StoredRun) -> RunResult | None:
    return RunResult.model_validate(stored.result) if stored.result is not None else None


def _stored_error(stored: StoredRun) -> ErrorObject | None:
    return ErrorObject.model_validate(stored.error) if stored.error is not None else None
