"""The MCP servers of all runs."""

import asyncio
from collections.abc import Mapping
from typing import Final

from agentrouted.core.config.mcp_server import McpServer
from agentrouted.core.mcp.listing import McpTool
from agentrouted.core.mcp.server import Server

_IDLE_SECONDS: Final = 300.0


class McpServers:
    """One of each, however many runs use it. A run that began with other settings keeps a server of its own."""

    def __init__(self, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._servers: list[Server] = []

    async def tools(self, name: str, settings: McpServer, environ: Mapping[str, str]) -> tuple[McpTool, ...]:
        """What the server offers; it is started if it is not running.

        Raises `ToolFailed` with the server's name and last words, `ConfigInvalid` where the library is missing or the
        settings name tools that are not there.
        """
        found = (each for each in self._servers if (each.name, each.settings) == (name, settings))
        server = next(found, None)
        if server is None:
            server = Server(name, settings, environ, self._idle_seconds)
            self._servers.append(server)
        return await server.tools()

    def keep(self, configured: Mapping[str, McpServer]) -> None:
        """End the others, as soon as no call of theirs is under way."""
        for server in self._servers:
            is_wanted = configured.get(server.name) == server.settings
            server.linger(self._idle_seconds if is_wanted else 0)

    async def aclose(self) -> None:
        """End them all, at once."""
        await asyncio.gather(*(server.aclose() for server in self._servers))
