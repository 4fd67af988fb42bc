"""A model call that serves the run but is no turn of it."""

from collections.abc import Sequence
from contextlib import aclosing

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.paid import paid_call
from agentrouted.core.errors import ResponseInvalid
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.usage.call import Boundary
from agentrouted.core.wire.base import ModelReply, ModelRequest
from agentrouted_protocol.messages import Message


async def ask_aside(run: RunContext, model: str, messages: Sequence[Message]) -> str:
    """The text that `model` answers. It is paid for by the run, and no turn of it."""
    resolution = resolve(run.plan.snapshot, model)
    endpoint = await run.services.connect(resolution.endpoints[0].endpoint)
    boundary: Boundary = "local" if endpoint.local else "remote"
    async with paid_call(run, endpoint, ModelRequest(messages=messages), "summary", boundary) as (request, recording):
        async with aclosing(run.services.stream(endpoint, request)) as batches:
            async for batch in batches:
                recording.hear(batch)
                if isinstance(reply := batch[-1], ModelReply):
                    return reply.text
        raise ResponseInvalid(f"{endpoint.label} ended its stream without a reply")
