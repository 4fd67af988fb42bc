"""The HTTP client of the process, opened on first use."""

import asyncio
import sys
from typing import TYPE_CHECKING

from agentrouted.core.endpoint import Endpoint

if TYPE_CHECKING:  # httpx and aiohttp take 300 ms to import: see `_open_transport`.
    from agentrouted.core.wire.exchange import Exchange
    from agentrouted.core.wire.transport import Transport


class HttpClient:
    """Make one per process, on the event loop that will use it, and close it there."""

    def __init__(self) -> None:
        self._transport: Transport | None = None
        self._opening = asyncio.Lock()

    async def send(self, endpoint: Endpoint, method: str, path: str, body: bytes = b"") -> "Exchange":
        """Sends, and waits for the reply to begin; `aclose` it, early or not: that frees or ends the connection.

        Raises the errors of `core.errors` only, here and while the reply is read; a refusal is one of them.
        """
        transport = self._transport or await self.open()
        from agentrouted.core.wire.exchange import exchange

        return await exchange(transport, endpoint, method, path, body)

    async def open(self) -> "Transport":
        """Opens the transport before its first use, to spare that one the wait. The event loop goes on meanwhile."""
        async with self._opening:
            if self._transport is None:
                self._transport = await asyncio.to_thread(_open_transport)
            return self._transport

    async def aclose(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None


def _open_transport() -> "Transport":
    _import_httpx()
    # `send` needs it too, and would import it on the event loop.
    import agentrouted.core.wire.exchange  # noqa: F401
    from agentrouted.core.wire.transport import Transport

    return Transport()


def _import_httpx() -> None:
    """Without its command line, which loads click and rich where they are: most of what it takes, and 5 MiB."""
    if "httpx" in sys.modules:
        return
    # For Python there is no such module then. httpx is prepared for that: without click there is none.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # documented, but not in typeshed
    import httpx  # noqa: F401

    del sys.modules["httpx._main"]
