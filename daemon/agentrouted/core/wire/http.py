"""The HTTP client of the process, opened on first use."""

import asyncio
from typing import TYPE_CHECKING

from agentrouted.core.endpoint import Endpoint

if TYPE_CHECKING:  # httpx and aiohttp take 300 ms to import: see `_open_client`.
    import httpx

    from agentrouted.core.wire.exchange import Exchange


class HttpClient:
    """Make one per process, on the event loop that will use it, and close it there."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def send(self, endpoint: Endpoint, method: str, path: str, body: bytes = b"") -> "Exchange":
        """Sends, and waits for the reply to begin; `aclose` it, early or not: that frees or ends the connection.

        Raises the errors of `core.errors` only, here and while the reply is read; a refusal is one of them.
        """
        client = self._client or await self.open()
        from agentrouted.core.wire.exchange import exchange

        return await exchange(client, endpoint, method, path, body)

    async def open(self) -> "httpx.AsyncClient":
        """Opens the client before its first use, to spare that one the wait. The event loop goes on meanwhile."""
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(_open_client)
            return self._client

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def _open_client() -> "httpx.AsyncClient":
    from agentrouted.core.wire.exchange import open_client

    return open_client()
