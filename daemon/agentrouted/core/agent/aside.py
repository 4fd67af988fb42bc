"""A model call that serves the run but is no turn of it."""

from collections.abc import Sequence

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.failover import ask_in_turn, crossing_of, falls_over
from agentrouted.core.agent.listening import listen
from agentrouted.core.agent.paid import paid_call
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.routing.candidates import candidates, in_turn
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.usage.call import Crossing
from agentrouted.core.wire.base import ModelRequest
from agentrouted_protocol.messages import Message


async def ask_aside(run: RunContext, model: str, messages: Sequence[Message]) -> str:
    """The text that `model` answers. It is paid for by the run, within its boundary, and no turn of it."""
    resolution = resolve(run.plan.snapshot, model, asks_client=run.audience.takes_secrets)
    chain = await candidates(resolution, run.plan.boundary, run.services.prices, run.services.health)
    return await ask_in_turn(
        in_turn(chain, run.services.health),
        lambda candidate: _ask(run, candidate.endpoint, ModelRequest(messages=messages), crossing_of(chain, candidate)),
        lambda error, candidate, following: falls_over(error, candidate, following, resolution.chain),
    )


async def _ask(run: RunContext, found: Endpoint, request: ModelRequest, crossing: Crossing) -> str:
    run.services.health.is_asked(found)
    endpoint = await run.services.connect(found, run.audience.get_secret)
    try:
        async with paid_call(run, endpoint, request, "summary", crossing) as (allowed, recording):
            reply = await listen(run.services.stream(endpoint, allowed), endpoint, recording)
    except AgentroutedError as error:
        run.services.health.failed(found, error)
        raise
    run.services.health.answered(found, recording.first_token)
    return reply.text
