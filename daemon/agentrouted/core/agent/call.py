"""One model turn: ask the chain until somebody answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from agentrouted.core.agent import bill
from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.agent.plan import Plan
from agentrouted.core.agent.state import RunState
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import (
    AgentroutedError,
    ContextOverflow,
    InvalidParams,
    ModelMissing,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    QuotaExceeded,
    RateLimited,
    ResponseInvalid,
    ResponseTruncated,
)
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.services import EMBEDDED, Services
from agentrouted.core.wire.base import Chunk, ModelReply, ModelRequest
from agentrouted_protocol import events

_ELSEWHERE_IT_MAY_DO: Final = (
    ProviderUnreachable,
    ProviderTimeout,
    RateLimited,
    QuotaExceeded,
    ResponseInvalid,
    ResponseTruncated,
)


async def call_model(services: Services, plan: Plan, state: RunState, emitter: Emitter) -> ModelReply:
    """The next reply of the first endpoint that answers.

    Begins with the one that answered last, and goes on to the next only before any text was seen. Raises the error of
    the last one asked.
    """
    chain = plan.resolution.endpoints
    if state.answered_by is not None:
        chain = chain[chain.index(state.answered_by) :]
    for candidate, following in zip(chain, (*chain[1:], None), strict=True):
        try:
            return await _ask_twice(services, plan, candidate, state, emitter)
        except AgentroutedError as error:
            if following is None or state.has_spoken or not _falls_over(error, plan.resolution.fallback_on):
                raise
            emitter.emit(
                events.Fallback,
                reason=error.message,
                route=following.to_route(),
                crosses_boundary=candidate.endpoint.local and not following.endpoint.local,
            )
    raise AssertionError("a resolution has at least one endpoint")


async def _ask_twice(
    services: Services, plan: Plan, candidate: ResolvedEndpoint, state: RunState, emitter: Emitter
) -> ModelReply:
    """Ask; and once more where that may well do: see `_is_worth_another_try`."""
    try:
        return await _ask(services, plan, candidate, state, emitter)
    except AgentroutedError as error:
        if state.has_spoken or not _is_worth_another_try(error, candidate.endpoint):
            raise
        emitter.emit(events.Retry, attempt=1, reason=error.message, delay=0.0)
        return await _ask(services, plan, candidate, state, emitter)


async def _ask(
    services: Services, plan: Plan, candidate: ResolvedEndpoint, state: RunState, emitter: Emitter
) -> ModelReply:
    request = ModelRequest(
        messages=(*plan.opening, *state.messages),
        tools=plan.tool_specs,
        sampling=plan.sampling,
        max_tokens=plan.max_tokens,
    )
    emitter.emit(events.ModelCallStart, turn=state.turn, route=candidate.to_route())
    watch = _Stopwatch()
    endpoint = await services.connect(_with_idle_timeout(candidate.endpoint, plan.idle_timeout))
    _check_tools(endpoint, plan)
    try:
        async with aclosing(services.stream(endpoint, request)) as batches:
            reply = await _listen(batches, candidate, state, emitter, watch)
    except AgentroutedError as error:
        if error.usage is not None:
            state.usage = bill.add(state.usage, error.usage)
        elif state.heard:
            state.usage = bill.add(state.usage, bill.cut_off(request, state.heard, candidate.endpoint))
        raise
    except asyncio.CancelledError:
        state.usage = bill.add(state.usage, bill.cut_off(request, state.heard, candidate.endpoint))
        raise
    state.complete(reply)
    emitter.emit(
        events.ModelCallEnd,
        turn=state.turn,
        usage=reply.usage,
        finish_reason=reply.finish_reason,
        latency=watch.elapsed(),
        time_to_first_token=watch.first_token,
    )
    return reply


async def _listen(
    batches: AsyncIterator[Sequence[Chunk]],
    speaker: ResolvedEndpoint,
    state: RunState,
    emitter: Emitter,
    watch: "_Stopwatch",
) -> ModelReply:
    async for batch in batches:
        watch.token()
        state.hear(batch, speaker)
        emitter.chunks(batch)
        if isinstance(batch[-1], ModelReply):
            return batch[-1]
    raise ResponseInvalid(f"{speaker.endpoint.label} ended its stream without a reply")


def _is_worth_another_try(error: AgentroutedError, endpoint: Endpoint) -> bool:
    """Small models give an empty reply now and then; an embedded engine that has just died is started anew."""
    if isinstance(error, ProviderUnreachable | ResponseTruncated):
        return endpoint.base_url.startswith(EMBEDDED)
    return isinstance(error, ResponseInvalid)


def _check_tools(endpoint: Endpoint, plan: Plan) -> None:
    if plan.tools and not endpoint.supports_tools:
        raise InvalidParams(
            f"{endpoint.provider}/{endpoint.model_id} cannot call tools: its chat template has no place for them",
            hint="leave out `tools`, or use a model made for tools, such as qwen2.5 or llama3.1",
        )


def _falls_over(error: AgentroutedError, fallback_on: frozenset[str]) -> bool:
    """Whether another endpoint may do better. What is wrong with the request is wrong everywhere."""
    if isinstance(error, ContextOverflow):
        return "context_overflow" in fallback_on
    if isinstance(error, ModelMissing):
        return "model_missing" in fallback_on
    if isinstance(error, ProviderError):
        return error.is_server_fault
    return isinstance(error, _ELSEWHERE_IT_MAY_DO)


def _with_idle_timeout(endpoint: Endpoint, seconds: float | None) -> Endpoint:
    if seconds is None:
        return endpoint
    return replace(endpoint, timeouts=replace(endpoint.timeouts, first_byte=seconds, idle=seconds))


class _Stopwatch:
    def __init__(self) -> None:
        self._start = time.perf_counter()
        self.first_token: float | None = None

    def elapsed(self) -> float:
        return time.perf_counter() - self._start

    def token(self) -> None:
        if self.first_token is None:
            self.first_token = self.elapsed()
