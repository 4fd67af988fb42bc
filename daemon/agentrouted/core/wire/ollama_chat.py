"""Ollama's own `/api/chat`: one JSON document a line."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import Chunk, ModelRequest
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.json_lines import JsonLines
from agentrouted.core.wire.ollama_reply import OllamaReply
from agentrouted.core.wire.ollama_request import ollama_body
from agentrouted.core.wire.ollama_window import OllamaWindows
from agentrouted.core.wire.reply_stream import read_reply


class OllamaChat:
    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._windows = OllamaWindows(http)

    async def stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]:
        body = ollama_body(endpoint, request, await self._windows.num_ctx(endpoint, request))
        # The address that everybody gives is that of its other format.
        beside = replace(endpoint, base_url=endpoint.base_url.removesuffix("/v1"))
        exchange = await self._http.send(beside, "POST", "/api/chat", body)
        lines, reply = JsonLines(exchange.read, endpoint.label), OllamaReply(endpoint, request, exchange.request_id)
        async with aclosing(read_reply(exchange, lines, reply)) as batches:
            async for batch in batches:
                yield batch
