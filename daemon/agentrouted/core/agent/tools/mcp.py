"""Tools of the MCP servers that a run names."""

import asyncio
from collections.abc import Mapping
from difflib import get_close_matches
from urllib.parse import urlsplit

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.base import Tool, ToolUse
from agentrouted.core.config.mcp_server import McpServer
from agentrouted.core.errors import GuardrailBlocked, NotFound
from agentrouted.core.loopback import is_loopback
from agentrouted.core.mcp.listing import McpTool
from agentrouted.core.schema.check import compile_fit
from agentrouted_protocol.client_requests import ToolCallResult


async def mcp_tools(run: RunContext) -> list[Tool]:
    """Starts the servers that are not running, all at once.

    Raises `NotFound` for a name that the config does not have, `GuardrailBlocked` for a server beyond the boundary, and
    what `McpServers.tools` raises.
    """
    names = dict.fromkeys(run.plan.mcp_servers)
    snapshot, servers = run.plan.snapshot, run.services.mcp
    settings = {name: _described(name, snapshot.config.mcp_servers) for name in names}
    if run.plan.boundary == "local":
        _refuse_elsewhere(settings)
    listed = await asyncio.gather(*(servers.tools(name, each, snapshot.environ) for name, each in settings.items()))
    return [_tool(tool) for tools in listed for tool in tools]


def _described(name: str, known: dict[str, McpServer]) -> McpServer:
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"it has: {', '.join(known) or 'none'}"
    raise NotFound(f"the config has no MCP server `{name[:100]}`", hint=hint)


def _refuse_elsewhere(settings: Mapping[str, McpServer]) -> None:
    for name, server in settings.items():
        host = urlsplit(server.url or "").hostname
        if host is not None and not is_loopback(host):
            raise GuardrailBlocked(
                f"the boundary `local` has kept this run from the MCP server `{name}`: {host} is not this machine",
                hint="leave it out of `mcpServers`, or `boundary` where it was set",
                details={"rule": "boundary: local"},
            )


def _tool(tool: McpTool) -> Tool:
    async def call(use: ToolUse) -> ToolCallResult:
        return await tool.call(use.arguments)

    return Tool(
        spec=tool.spec,
        check=compile_fit(tool.spec.input_schema),
        call=call,
        effect=tool.effect,
        timeout=tool.timeout,
        needs_approval=tool.needs_approval,
    )
