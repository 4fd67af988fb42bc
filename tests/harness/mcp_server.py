"""A real MCP server: `python mcp_server.py [port]`, on stdin and stdout, or over streamable HTTP on that port.

What happens in it is told on the Unix socket that the variable `REPORTS` names, if it is there.
"""

import asyncio
import os
import socket
import subprocess
import sys

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("of the tests", log_level="ERROR")


def report(text: str) -> None:
    if path := os.environ.get("REPORTS"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(text.encode())


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool(annotations=ToolAnnotations(idempotent_hint=True), structured_output=False)
def picture() -> list[str | Image]:
    """Draws."""
    return ["A dot:", Image(data=b"dot", format="png")]


@server.tool()
def variables() -> dict[str, str]:
    """The environment."""
    return dict(os.environ)


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("no luck")


@server.tool(name="odd name/" + "x" * 80)
def odd() -> str:
    """Has a name that models do not take."""
    return "odd"


@server.tool()
async def wait() -> str:
    """Waits for ever."""
    report("waiting")
    try:
        await asyncio.Event().wait()
    finally:
        report("stopped")
    return ""


@server.tool()
def die(with_words: str) -> str:
    """Ends the server in the middle of the call."""
    sys.stderr.write(with_words + "\n")
    sys.stderr.flush()
    os._exit(3)


@server.tool()
def spawn() -> int:
    """Starts a process that would outlive the server."""
    return subprocess.Popen(["sleep", "600"]).pid


@server.tool()
async def learn(context: Context) -> str:
    """Gives the server another tool."""

    @server.tool()
    def learned() -> str:
        """Was not there before."""
        return "yes"

    await context.session.send_tool_list_changed()
    return ""


if __name__ == "__main__":
    report("started")
    if len(sys.argv) == 1:
        server.run()
    else:
        server.run("streamable-http", port=int(sys.argv[1]))
