"""Anthropic's messages."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.anthropic_reply import AnthropicReply
from agentrouted.core.wire.anthropic_request import anthropic_body
from agentrouted.core.wire.base import Chunk, ModelRequest
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.payloads import Payloads
from agentrouted.core.wire.reply_stream import read_reply


class AnthropicMessages:
    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]:
        # Most who speak this format give their address without its version, as Anthropic's own libraries want it.
        path = "/messages" if endpoint.base_url.endswith("/v1") else "/v1/messages"
        exchange = await self._http.send(endpoint, "POST", path, anthropic_body(endpoint, request))
        payloads = Payloads(exchange.read, endpoint.label)
        reply = AnthropicReply(endpoint, request, exchange.request_id)
        async with aclosing(read_reply(exchange, payloads, reply)) as batches:
            async for batch in batches:
                yield batch
