"""A server elsewhere: JSON-RPC over streamable HTTP."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from urllib.parse import urlsplit

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from agentrouted.core.config.mcp_server import McpServer
from agentrouted.core.loopback import is_loopback


class Remote:
    """The way to a server, as the transport of the library's client."""

    def __init__(self, settings: McpServer) -> None:
        self.last_words = ""
        """The last refusal, such as `HTTP 401 Unauthorized`: the library tells that there was one, not which."""

        self.has_forgotten = False
        """Whether the server did not know the session any more: what it was asked has not been done."""

        self._settings = settings
        self._open = AsyncExitStack()

    async def __aenter__(self) -> TransportStreams:
        assert self._settings.url is not None
        client = await self._open.enter_async_context(await asyncio.to_thread(self._client, self._settings.url))
        return await self._open.enter_async_context(streamable_http_client(self._settings.url, http_client=client))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._open.__aexit__(kind, error, trace)

    def _client(self, url: str) -> httpx2.AsyncClient:
        """Reads certificates."""
        headers = {name: value.get_secret_value() for name, value in self._settings.headers.items()}
        return httpx2.AsyncClient(
            headers=headers,
            # A reply may take as long as a call may; a stream of notifications may be silent.
            timeout=httpx2.Timeout(self._settings.timeout, read=None),
            trust_env=not is_loopback(urlsplit(url).hostname or ""),
            event_hooks={"response": [self._note]},
        )

    async def _note(self, response: httpx2.Response) -> None:
        self.has_forgotten |= response.status_code == 404 and "mcp-session-id" in response.request.headers
        # 405 is how a server says that it has no stream of notifications, or does not end sessions.
        if response.status_code >= 400 and response.status_code != 405:
            self.last_words = f"HTTP {response.status_code} {response.reason_phrase}"
