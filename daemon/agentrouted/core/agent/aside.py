"""A model call that serves the run but is no turn of it."""

from collections.abc import Sequence
from contextlib import aclosing

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.spending import charge, reserve
from agentrouted.core.errors import AgentroutedError, ResponseInvalid
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.wire.base import ModelReply, ModelRequest
from agentrouted_protocol.messages import Message, Usage


async def ask_aside(run: RunContext, model: str, messages: Sequence[Message]) -> str:
    """The text that `model` answers. It is paid for by the run, and no turn of it."""
    resolution = resolve(run.plan.snapshot, model)
    endpoint = await run.services.connect(resolution.endpoints[0].endpoint)
    request, reservation = await reserve(run, endpoint, ModelRequest(messages=messages))
    spent: Usage | None = None
    try:
        async with aclosing(run.services.stream(endpoint, request)) as batches:
            async for batch in batches:
                if isinstance(reply := batch[-1], ModelReply):
                    spent = reply.usage
                    return reply.text
    except AgentroutedError as error:
        spent = error.usage
        raise
    finally:
        await charge(run, spent, reservation)
    raise ResponseInvalid(f"{endpoint.label} ended its stream without a reply")
