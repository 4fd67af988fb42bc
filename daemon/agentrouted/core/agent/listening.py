"""A stream, listened to until the reply is whole."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import ResponseInvalid
from agentrouted.core.usage.recording import Recording
from agentrouted.core.wire.base import Chunk, ModelReply

Hear = Callable[[Sequence[Chunk]], None]
"""Takes a batch as it comes."""


async def listen(
    stream: AsyncGenerator[Sequence[Chunk]], endpoint: Endpoint, recording: Recording, hear: Hear | None = None
) -> ModelReply:
    """The last that comes. The stream is closed in any case."""
    async with aclosing(stream) as batches:
        async for batch in batches:
            recording.hear(batch)
            if hear is not None:
                hear(batch)
            if isinstance(reply := batch[-1], ModelReply):
                return reply
    raise ResponseInvalid(f"{endpoint.label} ended its stream without a reply")
