"""MCP servers as the tests start them, and what they report."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from harness.peer import TIME_LIMIT
from pydantic import SecretStr

from agentrouted.core.config.mcp_server import McpServer
from agentrouted.core.mcp.listing import McpTool
from agentrouted.core.mcp.servers import McpServers

SCRIPT = Path(__file__).with_name("mcp_server.py")


class Reports:
    """Takes what servers report, in order."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "reports.sock"
        self._texts: asyncio.Queue[str] = asyncio.Queue()

    async def next(self) -> str:
        async with asyncio.timeout(TIME_LIMIT):
            return await self._texts.get()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._texts.put_nowait((await reader.read()).decode())
        writer.close()


@asynccontextmanager
async def reports(folder: Path) -> AsyncIterator[Reports]:
    taken = Reports(folder)
    async with await asyncio.start_unix_server(taken.take, taken.path):
        yield taken


def on_stdio(taken: Reports | None = None, **changes: Any) -> McpServer:
    """Settings for the real server as a child process."""
    env = {"REPORTS": SecretStr(str(taken.path))} if taken else {}
    return McpServer(command=sys.executable, args=("-P", str(SCRIPT)), env=env | changes.pop("env", {}), **changes)


def shell(text: str, **changes: Any) -> McpServer:
    """Settings for a server that is a few lines of shell."""
    return McpServer(command="sh", args=("-c", text), **changes)


def after_listing(text: str, **changes: Any) -> McpServer:
    """The same, after it has given the answers that a start and a list of one tool, `x`, take."""
    return shell(f"read a; echo '{_STARTED}'; read b; read c; echo '{_LISTED}'; {text}", **changes)


_STARTED = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "shell", "version": "1"},
        },
    }
)
_LISTED = json.dumps(
    {"jsonrpc": "2.0", "id": 2, "result": {"tools": [{"name": "x", "inputSchema": {"type": "object"}}]}}
)


@asynccontextmanager
async def on_http(taken: Reports, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The real server over streamable HTTP; yields when it listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", str(SCRIPT), str(port), env={**os.environ, "REPORTS": str(taken.path)}
    )
    try:
        assert await taken.next() == "started"
        await _listening(port)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(TIME_LIMIT):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def tools_of(
    servers: McpServers, settings: McpServer, environ: Mapping[str, str] = os.environ
) -> dict[str, McpTool]:
    return {tool.spec.name: tool for tool in await servers.tools("t", settings, environ)}


def processes() -> list[tuple[int, int, str]]:
    """Process ids, those of their parents, and states; without `ps` itself."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid=,stat=,comm="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in listed.splitlines()]
    return [(int(pid), int(parent), state) for pid, parent, state, command in rows if not command.endswith("ps")]


def is_running(pid: int) -> bool:
    return any(each == pid and not state.startswith("Z") for each, _, state in processes())


def children() -> list[int]:
    """Of this process, those that have ended and were not reaped as well."""
    return [pid for pid, parent, _ in processes() if parent == os.getpid()]


@asynccontextmanager
async def opened(idle_seconds: float = 300) -> AsyncIterator[McpServers]:
    """Servers for a test, which are all gone at its end."""
    before = set(children())
    servers = McpServers(idle_seconds)
    try:
        yield servers
    finally:
        await servers.aclose()
    assert set(children()) <= before, "a process is left"
