"""A reply is read to its end, whatever its format."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from agentrouted.core.errors import AgentroutedError, ProviderTimeout, ResponseTruncated
from agentrouted.core.wire.base import Chunk
from agentrouted.core.wire.reading import Reading
from agentrouted.core.wire.reply import Reply

if TYPE_CHECKING:  # httpx, which it imports, is loaded with the first request.
    from agentrouted.core.wire.exchange import Exchange

# The bill may follow the finish; not every server then says that this is all, or hangs up.
_AFTER_FINISH_SECONDS = 2.0


async def read_reply(exchange: "Exchange", payloads: Reading, reply: Reply) -> AsyncGenerator[Sequence[Chunk], None]:
    """What a `WireFormat` yields. Closes the exchange."""
    last: list[Chunk] = []
    async with aclosing(exchange):
        try:
            while batch := await _next(payloads, reply):
                chunks = reply.take(batch)
                if reply.done and not reply.fault:
                    last = chunks
                    break
                if chunks:
                    yield chunks
                if reply.fault:
                    raise reply.fault
            last += reply.finish()
        except AgentroutedError as error:
            error.usage = reply.bill_so_far()
            raise
        try:
            yield last
        finally:
            await exchange.drain()


async def _next(payloads: Reading, reply: Reply) -> list[bytes]:
    if reply.finish_reason is None:
        return await payloads.next()
    with suppress(ResponseTruncated, ProviderTimeout, TimeoutError):
        async with asyncio.timeout(_AFTER_FINISH_SECONDS):
            return await payloads.next()
    return []
