"""Gemini's `generateContent`, streamed."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import Chunk, ModelRequest
from agentrouted.core.wire.gemini_reply import GeminiReply
from agentrouted.core.wire.gemini_request import gemini_body
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.payloads import Payloads
from agentrouted.core.wire.reply_stream import read_reply


class GeminiGenerateContent:
    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]:
        # Google's own lists of models have the names so.
        path = f"/models/{endpoint.model_id.removeprefix('models/')}:streamGenerateContent?alt=sse"
        exchange = await self._http.send(endpoint, "POST", path, gemini_body(endpoint, request))
        payloads, reply = Payloads(exchange.read, endpoint.label), GeminiReply(endpoint, request, exchange.request_id)
        async with aclosing(read_reply(exchange, payloads, reply)) as batches:
            async for batch in batches:
                yield batch
