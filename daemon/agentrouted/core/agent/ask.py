"""One model call: paid for, listened to, told."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from agentrouted.core.agent import bill
from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.spending import charge, reserve
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError, ResponseInvalid
from agentrouted.core.output.partial import PartialOutput
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.wire.base import Chunk, ModelReply, ModelRequest
from agentrouted_protocol import events
from agentrouted_protocol.messages import Usage


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked what: the endpoint as it was found, and as it is reached now."""

    candidate: ResolvedEndpoint
    endpoint: Endpoint
    request: ModelRequest


async def ask(run: RunContext, asked: Asked) -> ModelReply:
    """The reply, when it is whole. The bill is in the state, whatever becomes of the call."""
    state = run.state
    request, reservation = await reserve(run, asked.endpoint, asked.request)
    run.emitter.emit(events.ModelCallStart, turn=state.turn, route=asked.candidate.to_route(asked.endpoint.wire))
    watch = _Stopwatch()
    spent: Usage | None = None
    try:
        speak = run.inside.speak or run.services.stream
        async with aclosing(speak(asked.endpoint, request)) as batches:
            reply = await _listen(batches, run, asked, watch)
        spent = reply.usage
    except AgentroutedError as error:
        spent = error.usage or (bill.cut_off(request, state.heard, asked.endpoint) if state.heard else None)
        error.usage = None
        raise
    except asyncio.CancelledError:
        spent = bill.cut_off(request, state.heard, asked.endpoint)
        raise
    finally:
        await charge(run, spent, reservation)
    state.complete(reply)
    run.emitter.hold()
    run.emitter.emit(
        events.ModelCallEnd,
        turn=state.turn,
        usage=reply.usage,
        finish_reason=reply.finish_reason,
        latency=watch.elapsed(),
        time_to_first_token=watch.first_token,
    )
    return reply


async def _listen(
    batches: AsyncIterator[Sequence[Chunk]], run: RunContext, asked: Asked, watch: "_Stopwatch"
) -> ModelReply:
    partial = PartialOutput(run.plan.wanted) if run.plan.wanted and run.plan.stream else None
    async for batch in batches:
        watch.token()
        run.state.hear(batch, asked.candidate, asked.endpoint.wire)
        run.emitter.chunks(batch)
        if partial is not None and (output := partial.take(batch)) is not None:
            run.emitter.emit(events.OutputPartial, output=output)
        if isinstance(batch[-1], ModelReply):
            return batch[-1]
    raise ResponseInvalid(f"{asked.endpoint.label} ended its stream without a reply")


class _Stopwatch:
    def __init__(self) -> None:
        self._start = time.perf_counter()
        self.first_token: float | None = None

    def elapsed(self) -> float:
        return time.perf_counter() - self._start

    def token(self) -> None:
        if self.first_token is None:
            self.first_token = self.elapsed()
