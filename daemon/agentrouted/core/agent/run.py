"""The agent loop: call the model, run its tools, again."""

import asyncio
import logging

from agentrouted.core.agent.answer import Ending, ask_again, ending_of
from agentrouted.core.agent.call import call_model
from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.loops import HINT, HINT_AFTER, repetitions, was_told
from agentrouted.core.agent.opening import open_conversation
from agentrouted.core.agent.toolbox import Toolbox
from agentrouted.core.agent.tools.equip import equip
from agentrouted.core.errors import AgentroutedError, MaxTurns, ProviderTimeout
from agentrouted.core.routing.candidates import candidates
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted_protocol import events
from agentrouted_protocol.messages import Message
from agentrouted_protocol.runs import RunResult

logger = logging.getLogger(__name__)


async def run_agent(run: RunContext) -> RunResult:
    """Run an agent to its end, from wherever its state is.

    Cancelling the task that awaits this ends the run at once, upstream connection included, and it still returns: a
    result with `stop_reason` "cancelled", what was said, and the bill. Any other end that is not an answer raises an
    `AgentroutedError` that carries the run's id, usage and transcript.
    """
    try:
        ending = await _within_limits(run)
    except AgentroutedError as error:
        raise _closed(run, error) from error
    except Exception as unexpected:  # the owner of the run: whatever happens, its caller gets the bill
        logger.exception("run %s failed by a fault of ours", run.run_id)
        failure = AgentroutedError(f"internal error ({type(unexpected).__name__})", hint="see `agentrouted logs`")
        raise _closed(run, failure) from unexpected
    return _result(run, ending)


def _result(run: RunContext, ending: Ending) -> RunResult:
    state = run.state
    text, interrupted = state.text, ending.stop_reason == "cancelled"
    if interrupted:
        state.interrupt()
    run.emitter.emit(events.AgentEnd, stop_reason=ending.stop_reason, usage=state.usage)
    return RunResult(
        run_id=run.run_id,
        session_id=run.plan.session_id,
        output=text if interrupted else ending.output,
        text=text,
        stop_reason=ending.stop_reason,
        interrupted=interrupted,
        usage=state.usage,
        messages=state.messages,
        route=state.answered_by.to_route(state.wire) if state.answered_by else None,
        raw=dict(state.raw) or None,
        warnings=list(state.warnings) or None,
        last_seq=run.emitter.last_seq,
        config_generation=run.plan.resolution.generation,
    )


def _closed(run: RunContext, error: AgentroutedError) -> AgentroutedError:
    """The end of a run that failed: its last event, and an error that carries what was spent."""
    run.state.interrupt()
    run.emitter.emit(events.AgentEnd, usage=run.state.usage)
    return error.of_run(run.run_id, run.state.usage, run.state.messages)


async def _within_limits(run: RunContext) -> Ending:
    seconds = run.plan.limits.timeout
    try:
        async with asyncio.timeout(seconds) as limit:
            return await _run(run)
    except TimeoutError:
        if not limit.expired():
            raise
        raise ProviderTimeout(
            f"the run took longer than its timeout of {seconds:g} s", hint="raise `timeout`"
        ) from None
    except asyncio.CancelledError:
        return Ending("cancelled")


async def _run(run: RunContext) -> Ending:
    plan, state = run.plan, run.state
    run.chain = await _chain(run)
    run.emitter.emit(events.AgentStart, agent=plan.agent, model=plan.model, route=run.chain[0].to_route())
    await open_conversation(run)
    run.tools |= await equip(run)
    toolbox = Toolbox(run)
    while True:
        if state.open_reply is None:
            await _turn(run)
        ending = await _act(run, toolbox)
        if ending is None:
            continue
        # What was said to the run in the meantime is answered first.
        if not state.steering or ending.stop_reason != "end_turn":
            return ending
        state.take_steering()
        await run.durable()


async def _chain(run: RunContext) -> tuple[ResolvedEndpoint, ...]:
    if run.inside.speak:
        return run.plan.resolution.endpoints
    return await candidates(run.plan.resolution, run.plan.boundary, run.services.prices, run.services.health)


async def _turn(run: RunContext) -> None:
    """One more model call; its reply is in the state, and in the journal."""
    state, limit = run.state, run.plan.limits.max_turns
    if state.turn >= limit:
        raise MaxTurns(
            f"the model wanted more turns than this run may take, {limit}",
            hint="raise `maxTurns`",
            details={"turn": limit + 1, "limit": limit},
        )
    state.turn += 1
    state.take_steering()
    if run.inside.watch:
        run.inside.watch(state)
    await call_model(run)
    run.budget.check()


async def _act(run: RunContext, toolbox: Toolbox) -> Ending | None:
    """Do what the last reply asks for. The end of the run, if it is one."""
    state = run.state
    reply = state.messages[-1]
    if reply.tool_calls or run.plan.wanted or run.inside.check_output:
        # A reply outlives a crash before anything is done about it.
        await run.durable()
    if ending := await ending_of(run, reply):
        return ending
    if reply.tool_calls:
        if hints := await toolbox.run(state.open_calls()):
            ask_again(run, hints)
        state.close_calls()
        # What the tools have done outlives a crash before anything more is paid for.
        await run.durable()
        if (ending := _going_round(run)) is not None:
            return ending
    return None


def _going_round(run: RunContext) -> Ending | None:
    times = repetitions(run.state.messages)
    if times > HINT_AFTER:
        return Ending("loop", run.state.text)
    if times == HINT_AFTER and not was_told(run.state.messages):
        run.state.messages.append(Message(role="user", content=HINT))
    return None
