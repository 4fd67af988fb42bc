"""One model call: paid for, listened to, told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.failover import crossing_of
from agentrouted.core.agent.hedging import HasTheWord
from agentrouted.core.agent.listening import Hear, listen
from agentrouted.core.agent.paid import paid_call
from agentrouted.core.endpoint import Endpoint, OutputMode
from agentrouted.core.output.partial import PartialOutput
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.usage.call import Kind
from agentrouted.core.wire.base import Chunk, ModelReply, ModelRequest
from agentrouted.core.wire.suited import suited
from agentrouted_protocol import events


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked what: the endpoint as it was found, and as it is reached now."""

    candidate: ResolvedEndpoint
    endpoint: Endpoint
    request: ModelRequest
    mode: OutputMode
    """The way in which it is asked for a structured answer."""

    has_the_word: HasTheWord


async def ask(run: RunContext, asked: Asked) -> ModelReply:
    """The reply, when it is whole. The bill is in the state, whatever becomes of the call."""
    state, endpoint = run.state, asked.endpoint
    # Whoever is asked after the first one, in the same turn, is asked in its place.
    kind: Kind = "retry" if run.asked == state.turn else "turn"
    crossing = crossing_of(run.chain, asked.candidate)
    async with paid_call(run, endpoint, asked.request, kind, crossing) as (request, recording):
        run.asked = state.turn
        left_out = () if run.inside.speak else suited(endpoint, request).warnings
        state.warn(left_out)
        route = asked.candidate.to_route(endpoint.wire)
        run.emitter.emit(events.ModelCallStart, turn=state.turn, route=route, warnings=list(left_out) or None)
        speak = run.inside.speak or run.services.stream
        if run.inside.speak:
            recording.sent()
        reply = await listen(speak(endpoint, request), endpoint, recording, _told(run, asked))
    run.services.health.answered(asked.candidate.endpoint, recording.first_token)
    state.mode = asked.mode
    state.complete(reply)
    run.emitter.hold()
    run.emitter.emit(
        events.ModelCallEnd,
        turn=state.turn,
        usage=reply.usage,
        finish_reason=reply.finish_reason,
        latency=recording.elapsed,
        time_to_first_token=recording.first_token,
        raw=reply.raw or None,
    )
    return reply


def _told(run: RunContext, asked: Asked) -> Hear:
    """Each batch becomes part of the run."""
    partial = PartialOutput(run.plan.wanted) if run.plan.wanted and run.plan.stream else None

    def hear(batch: Sequence[Chunk]) -> None:
        if not asked.has_the_word():
            raise asyncio.CancelledError
        run.state.hear(batch, asked.candidate, asked.endpoint.wire)
        run.emitter.chunks(batch)
        if partial is not None and (output := partial.take(batch)) is not None:
            run.emitter.emit(events.OutputPartial, output=output)

    return hear
