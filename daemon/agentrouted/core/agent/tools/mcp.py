"""Tools of MCP servers."""

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.base import Tool


async def mcp_tools(run: RunContext) -> list[Tool]:
    return []
