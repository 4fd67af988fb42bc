"""OpenAI's chat completions, as most servers speak them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError, ProviderTimeout, ResponseTruncated
from agentrouted.core.wire.base import Chunk, ModelRequest
from agentrouted.core.wire.chat_reply import ChatReply
from agentrouted.core.wire.chat_request import chat_body
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.payloads import Payloads

# The bill may follow the finish; not every server then says `[DONE]` or hangs up.
_AFTER_FINISH_SECONDS = 2.0


class ChatCompletions:
    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]:
        body = chat_body(endpoint, request)
        last: list[Chunk] = []
        async with aclosing(await self._http.send(endpoint, "POST", "/chat/completions", body)) as exchange:
            payloads = Payloads(exchange.read, endpoint.label)
            reply = ChatReply(endpoint, request, exchange.request_id)
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


async def _next(payloads: Payloads, reply: ChatReply) -> list[bytes]:
    if reply.finish_reason is None:
        return await payloads.next()
    with suppress(ResponseTruncated, ProviderTimeout, TimeoutError):
        async with asyncio.timeout(_AFTER_FINISH_SECONDS):
            return await payloads.next()
    return []
