"""One model turn: ask the chain until somebody answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from agentrouted.core.agent.ask import Asked, ask
from agentrouted.core.agent.compaction import compacted, fitted, shortened
from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.failover import ask_in_turn, falls_over
from agentrouted.core.agent.hedging import HasTheWord, alone, ask_hedged
from agentrouted.core.agent.learning import cannot_call_tools, evidence_of, learn_from
from agentrouted.core.agent.retrying import wait_before_again
from agentrouted.core.agent.tools.equip import settings_with_tools
from agentrouted.core.endpoint import Endpoint, OutputMode
from agentrouted.core.errors import AgentroutedError, ContextOverflow
from agentrouted.core.output.modes import first_mode, next_mode
from agentrouted.core.output.shape import shape
from agentrouted.core.routing.candidates import in_turn
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.wire.base import ModelReply, ModelRequest
from agentrouted_protocol import events
from agentrouted_protocol.messages import Message


async def call_model(run: RunContext) -> ModelReply:
    """The next reply. A conversation that is too long for the model is shortened, once."""
    messages = await compacted(run)
    try:
        return await _ask_chain(run, messages)
    except ContextOverflow as overflow:
        shorter = None if run.state.has_spoken else shortened(run, messages)
        if shorter is None:
            raise
        run.emitter.emit(events.Retry, attempt=1, reason=overflow.message, delay=0.0)
        return await _ask_chain(run, shorter)


async def _ask_chain(run: RunContext, messages: Sequence[Message]) -> ModelReply:
    """The reply of the first endpoint that answers; the one that answered last is asked first."""
    answered_by, chain = run.state.answered_by, run.plan.resolution.chain
    endpoints = run.chain if answered_by is None else run.chain[run.chain.index(answered_by) :]
    turn = in_turn(endpoints, run.services.health)
    if chain is None or chain.hedge_after is None:
        return await ask_in_turn(turn, partial(_ask_endpoint, run, messages, alone), partial(_goes_on, run))
    return await ask_hedged(turn, partial(_ask_endpoint, run, messages), partial(_goes_on, run), chain.hedge_after)


def _goes_on(run: RunContext, error: AgentroutedError, candidate: ResolvedEndpoint, next_one: ResolvedEndpoint) -> bool:
    """Whether the next one is asked, only before any text was seen; if so, it is told."""
    if run.state.has_spoken or not falls_over(error, candidate, next_one, run.plan.resolution.chain):
        return False
    crosses = candidate.endpoint.local and not next_one.endpoint.local
    run.emitter.emit(events.Fallback, reason=error.message, route=next_one.to_route(), crosses_boundary=crosses)
    return True


async def _ask_endpoint(
    run: RunContext, messages: Sequence[Message], has_the_word: HasTheWord, candidate: ResolvedEndpoint
) -> ModelReply:
    """Its reply; where it refuses the way in which a structured answer is asked for, the next way is tried."""
    run.services.health.is_asked(candidate.endpoint)
    endpoint = await _reached(run, candidate.endpoint)
    messages = await fitted(run, endpoint, messages)
    while True:
        mode = _mode(run, endpoint)
        request = _request(run, endpoint, messages, mode)
        try:
            reply = await _ask_again(run, Asked(candidate, endpoint, request, mode, has_the_word))
            run.services.troubles.forget(endpoint)
            return reply
        except AgentroutedError as error:
            learned = await learn_from(error, endpoint, run.services)
            if learned is not None and not run.state.has_spoken:
                endpoint = learned
                run.emitter.emit(events.Retry, attempt=1, reason=error.message, delay=0.0)
                continue
            wanted = run.plan.wanted
            spoken = run.state.has_spoken
            lower = None if wanted is None or spoken else next_mode(wanted, mode, error, local=endpoint.local)
            if lower is None:
                raise
            await run.services.profiles.learn(endpoint, "output_mode", lower, evidence_of(f"output by `{mode}`", error))
            endpoint = replace(endpoint, output_mode=lower)
            run.emitter.emit(events.Retry, attempt=1, reason=error.message, delay=0.0)


def _request(run: RunContext, endpoint: Endpoint, messages: Sequence[Message], mode: OutputMode) -> ModelRequest:
    request = ModelRequest(
        messages=messages,
        tools=tuple(tool.spec for tool in run.tools.values()),
        sampling=run.plan.sampling,
        max_tokens=run.plan.limits.max_tokens,
    )
    if request.tools and not endpoint.supports_tools:
        raise cannot_call_tools(endpoint, settings_with_tools(run))
    return shape(request, run.plan.wanted, mode) if run.plan.wanted else request


def _mode(run: RunContext, endpoint: Endpoint) -> OutputMode:
    """The way in which this endpoint is asked for a structured answer: what was learned about it comes first."""
    wanted = run.plan.wanted
    if wanted is None:
        return "text"
    if endpoint.output_mode is not None and wanted.mode in ("auto", "tool"):
        return endpoint.output_mode
    return first_mode(wanted, endpoint, has_tools=bool(run.tools))


async def _ask_again(run: RunContext, asked: Asked) -> ModelReply:
    """Ask, and again for as long as that may help and nothing of a reply was seen."""
    tries = 0
    while True:
        try:
            return await ask(run, asked)
        except AgentroutedError as error:
            tries += 1
            run.services.health.failed(asked.candidate.endpoint, error)
            wait = wait_before_again(error, tries, asked.endpoint)
            if wait is None or run.state.has_spoken or run.services.health.is_open(asked.candidate.endpoint):
                raise
            run.emitter.emit(events.Retry, attempt=tries, reason=error.message, delay=wait)
            await asyncio.sleep(wait)
        asked = replace(asked, endpoint=await _reached(run, asked.candidate.endpoint))


async def _reached(run: RunContext, endpoint: Endpoint) -> Endpoint:
    """The endpoint as it can be asked now; an embedded engine that has died is started anew."""
    endpoint = _with_idle_timeout(endpoint, run.plan.limits.idle_timeout)
    return endpoint if run.inside.speak else await run.services.connect(endpoint, run.audience.get_secret)


def _with_idle_timeout(endpoint: Endpoint, seconds: float | None) -> Endpoint:
    if seconds is None:
        return endpoint
    return replace(endpoint, timeouts=replace(endpoint.timeouts, first_byte=seconds, idle=seconds, set_by="run"))
