"""One server of the config: started on use, ended when idle."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from agentrouted.core.config.mcp_server import McpServer
from agentrouted.core.errors import ConfigInvalid, ToolFailed
from agentrouted.core.mcp.listing import McpTool, offered
from agentrouted_protocol.client_requests import ToolCallResult

if TYPE_CHECKING:  # stands on the library, which is an extra and takes a second to import: see `_session_class`
    from agentrouted.core.mcp.session import Session


class Server:
    """Shared by all runs that use it. Where it has ended, by itself or for want of work, the next use starts it."""

    def __init__(self, name: str, settings: McpServer, environ: Mapping[str, str], idle_seconds: float) -> None:
        self.name = name
        self.settings = settings
        self._environ = environ
        self._idle_seconds = idle_seconds
        self._users = 0
        self._session: Session | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._closed = False

    async def tools(self) -> tuple[McpTool, ...]:
        async with self._use() as session:
            return tuple(offered(self.name, self.settings, await session.tools(), self.call))

    async def call(self, tool: str, arguments: dict[str, Any]) -> ToolCallResult:
        """Raises `ToolFailed`."""
        from agentrouted.core.mcp.session import Forgotten

        async with self._use() as session:
            try:
                return await session.call(tool, arguments)
            except Forgotten:
                async with self._use() as another:
                    return await another.call(tool, arguments)

    def linger(self, seconds: float) -> None:
        """How long it runs on when nobody uses it."""
        self._idle_seconds = seconds
        if not seconds and not self._users:
            self._end()

    async def aclose(self) -> None:
        """Ends it now; what is being called fails."""
        self._closed = True
        self._end()
        if self._endings:
            await asyncio.wait(self._endings)

    @asynccontextmanager
    async def _use(self) -> AsyncIterator["Session"]:
        self._users += 1
        if self._idle is not None:
            self._idle.cancel()
        try:
            yield await self._open()
        finally:
            self._users -= 1
            if not self._users:
                self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end)

    async def _open(self) -> "Session":
        session_class = await asyncio.to_thread(_session_class)
        if self._closed:
            raise ToolFailed(f"MCP server `{self.name}` is not started: the daemon is being shut down")
        if self._session is None or self._session.is_over:
            self._end()
            self._session = session_class(self.name, self.settings, self._environ)
        return self._session

    def _end(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if self._session is not None:
            ending = asyncio.create_task(self._session.aclose())
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
            self._session = None


def _session_class() -> type["Session"]:
    try:
        from agentrouted.core.mcp.session import Session
    except ModuleNotFoundError as error:
        raise ConfigInvalid(
            f"MCP servers need a library that is not installed: {error}", hint="pip install 'agentrouted[mcp]'"
        ) from None
    for name in ("mcp", "client"):
        # The library logs what servers say, word by word. What matters of it is in our errors.
        if (logger := logging.getLogger(name)).level == logging.NOTSET:
            logger.setLevel(logging.CRITICAL)
    return Session
