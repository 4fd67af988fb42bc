"""OpenAI's responses."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import Chunk, ModelRequest
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.payloads import Payloads
from agentrouted.core.wire.reply_stream import read_reply
from agentrouted.core.wire.responses_reply import ResponsesReply
from agentrouted.core.wire.responses_request import responses_body


class OpenAIResponses:
    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]:
        exchange = await self._http.send(endpoint, "POST", "/responses", responses_body(endpoint, request))
        payloads = Payloads(exchange.read, endpoint.label)
        reply = ResponsesReply(endpoint, request, exchange.request_id)
        async with aclosing(read_reply(exchange, payloads, reply)) as batches:
            async for batch in batches:
                yield batch
