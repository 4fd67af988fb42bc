"""All tools of a run, wherever they come from."""

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.agents import agent_tools
from agentrouted.core.agent.tools.base import Tool
from agentrouted.core.agent.tools.client import client_tools
from agentrouted.core.agent.tools.mcp import mcp_tools
from agentrouted.core.agent.tools.memory import memory_tools
from agentrouted.core.errors import InvalidParams
from agentrouted.core.output.wanted import OUTPUT_TOOL


async def equip(run: RunContext) -> dict[str, Tool]:
    """By name. Raises `InvalidParams` where two have the same name, and what a server of tools raises that fails."""
    tools = [
        *run.inside.tools,
        *client_tools(run.plan.client_tools, run.audience),
        *agent_tools(run),
        *memory_tools(run),
        *await mcp_tools(run),
    ]
    by_name = {tool.name: tool for tool in tools}
    if len(by_name) < len(tools):
        names = [tool.name for tool in tools]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidParams(f"two tools are called `{twice}`", hint="give each tool a name of its own")
    if run.plan.wanted is not None and OUTPUT_TOOL in by_name:
        raise InvalidParams(
            f"no tool may be called `{OUTPUT_TOOL}`", hint="the answer comes by it: name yours otherwise"
        )
    return by_name
