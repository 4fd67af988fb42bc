"""OpenAI's chat completions, as most servers speak them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import ProviderTimeout, ResponseTruncated
from agentrouted.core.wire.base import Chunk, ModelRequest
from agentrouted.core.wire.chat_reply import ChatReply
from agentrouted.core.wire.chat_request import chat_body
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.payloads import Payloads


class ChatCompletions:
    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]:
        body = chat_body(endpoint, request)
        last: list[Chunk] = []
        async with aclosing(await self._http.send(endpoint, "POST", "/chat/completions", body)) as exchange:
            payloads = Payloads(exchange.read, endpoint.label)
            reply = ChatReply(endpoint, request, exchange.request_id)
            while batch := await _next(payloads, reply):
                chunks = reply.take(batch)
                if reply.done:
                    last = chunks
                    break
                if chunks:
                    yield chunks
                if reply.fault:
                    raise reply.fault
            await exchange.drain()
            yield [*last, *reply.finish()]


async def _next(payloads: Payloads, reply: ChatReply) -> list[bytes]:
    try:
        return await payloads.next()
    except (ResponseTruncated, ProviderTimeout):
        if reply.finish_reason is None:
            raise
        return []
