"""`runAgent`, `run/*` and `agent/list`."""

import asyncio
from collections.abc import Coroutine

from agentrouted.core.agent.plan import DEFAULT_MAX_TURNS
from agentrouted.core.agent.runs import Run
from agentrouted.core.errors import InvalidParams
from agentrouted.server.session import ClientSession
from agentrouted_protocol.base import NoParams, Token
from agentrouted_protocol.runs import (
    AgentEntry,
    AgentListResult,
    RunAgentParams,
    RunCancelResult,
    RunIdParams,
    RunResult,
)


def run_agent(session: ClientSession, params: RunAgentParams) -> Coroutine[None, None, RunResult]:
    """Run to the end. Cancelling the request, or losing the client, cancels the run: the answer is its bill.

    The run has begun when this returns: a `run/cancel` right behind the request finds it.
    """
    if params.tools and not session.options.tools:
        raise InvalidParams(
            "`tools` were sent by a client that has not offered to run tools",
            hint="send `initializationOptions: {agentrouted: {tools: true}}` and answer `tool/call`",
        )
    begun = session.core.runs.begun(params)
    if begun is not None:
        # Another request's run: this one only waits for it.
        return begun.result()
    run = session.core.runs.start(params, session.host(params))
    return _result(session, run, params.work_done_token)


def cancel_run(session: ClientSession, params: RunIdParams) -> RunCancelResult:
    run = session.core.runs.get(params.run_id)
    return RunCancelResult(run_id=run.run_id, cancelled=run.cancel())


def list_agents(session: ClientSession, params: NoParams) -> AgentListResult:
    agents = session.core.services.config.current.config.agents
    return AgentListResult(
        agents=[
            AgentEntry(
                name=name,
                description=agent.description,
                model=agent.model,
                instructions=agent.instructions,
                max_turns=agent.max_turns or DEFAULT_MAX_TURNS,
            )
            for name, agent in agents.items()
        ]
    )


async def _result(session: ClientSession, run: Run, token: Token | None) -> RunResult:
    with session.showing(run, token):
        try:
            return await run.result()
        except asyncio.CancelledError:
            run.cancel()
            return await run.result()
