"""OpenAI's chat completions, as most servers speak them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import Chunk, ModelRequest
from agentrouted.core.wire.chat_reply import ChatReply
from agentrouted.core.wire.chat_request import chat_body
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.payloads import Payloads
from agentrouted.core.wire.reply_stream import read_reply


class ChatCompletions:
    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]:
        exchange = await self._http.send(endpoint, "POST", "/chat/completions", chat_body(endpoint, request))
        payloads, reply = Payloads(exchange.read, endpoint.label), ChatReply(endpoint, request, exchange.request_id)
        async with aclosing(read_reply(exchange, payloads, reply)) as batches:
            async for batch in batches:
                yield batch
