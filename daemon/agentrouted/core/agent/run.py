"""The agent loop: call the model, run its tools, again."""

import asyncio
import logging
from typing import Final

from agentrouted.core.agent.call import call_model
from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.agent.plan import Plan
from agentrouted.core.agent.state import RunState
from agentrouted.core.agent.toolbox import Toolbox
from agentrouted.core.errors import AgentroutedError, MaxTurns, ProviderTimeout
from agentrouted.core.host import Host
from agentrouted.core.services import Services
from agentrouted_protocol import events
from agentrouted_protocol.messages import StopReason
from agentrouted_protocol.runs import RunResult

logger = logging.getLogger(__name__)

_STOP_REASONS: Final[dict[str, StopReason]] = {
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "content_filter": "refusal",
    "refusal": "refusal",
}


async def run_agent(services: Services, plan: Plan, host: Host, run_id: str) -> RunResult:
    """Run an agent to its end.

    Cancelling the task that awaits this ends the run at once, upstream connection included, and it still returns: a
    result with `stop_reason` "cancelled", what was said, and the bill. Any other end that is not an answer raises an
    `AgentroutedError` that carries the run's id, usage and transcript.
    """
    emitter = Emitter(run_id, host, stream=plan.stream)
    state = RunState()
    try:
        stop_reason = await _run(services, plan, host, emitter, state, run_id)
    except AgentroutedError as error:
        _close(emitter, state, error, run_id)
        raise
    except Exception as unexpected:  # the owner of the run: whatever happens, its caller gets the bill
        logger.exception("run %s", run_id)
        failure = AgentroutedError(f"internal error ({type(unexpected).__name__})", hint="see `agentrouted logs`")
        _close(emitter, state, failure, run_id)
        raise failure from unexpected
    text = state.text
    if stop_reason == "cancelled":
        state.interrupt()
    emitter.emit(events.AgentEnd, stop_reason=stop_reason, usage=state.usage)
    return RunResult(
        run_id=run_id,
        output=text,
        text=text,
        stop_reason=stop_reason,
        interrupted=stop_reason == "cancelled",
        usage=state.usage,
        messages=state.messages,
        route=state.answered_by.to_route() if state.answered_by else None,
        last_seq=emitter.last_seq,
        config_generation=plan.resolution.generation,
    )


def _close(emitter: Emitter, state: RunState, error: AgentroutedError, run_id: str) -> None:
    """The end of a run that failed: its last event, and an error that carries what was spent."""
    state.interrupt()
    emitter.emit(events.AgentEnd, usage=state.usage)
    error.run_id, error.usage, error.messages = run_id, state.usage, state.messages


async def _run(
    services: Services, plan: Plan, host: Host, emitter: Emitter, state: RunState, run_id: str
) -> StopReason:
    route = plan.resolution.endpoints[0].to_route()
    emitter.emit(events.AgentStart, agent=plan.agent, model=plan.model, route=route)
    if plan.prompt is not None:
        state.messages.append(plan.prompt)
    toolbox = Toolbox(plan, run_id, host, emitter, state)
    try:
        async with asyncio.timeout(plan.timeout) as limit:
            return await _turns(services, plan, state, emitter, toolbox)
    except TimeoutError:
        if not limit.expired():
            raise
        raise ProviderTimeout(
            f"the run took longer than its timeout of {plan.timeout:g} seconds", hint="raise `timeout`"
        ) from None
    except asyncio.CancelledError:
        return "cancelled"


async def _turns(services: Services, plan: Plan, state: RunState, emitter: Emitter, toolbox: Toolbox) -> StopReason:
    for state.turn in range(1, plan.max_turns + 1):
        reply = await call_model(services, plan, state, emitter)
        if not reply.calls:
            return _STOP_REASONS.get(reply.finish_reason or "", "end_turn")
        await toolbox.run(reply.calls)
        state.close_calls()
    raise MaxTurns(
        f"the model wanted more than the {plan.max_turns} turns this run may take",
        hint="raise `maxTurns`",
        details={"turn": plan.max_turns, "limit": plan.max_turns},
    )
