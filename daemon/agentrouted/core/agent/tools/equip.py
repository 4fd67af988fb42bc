"""All tools of a run, wherever they come from."""

from typing import Final

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.agents import agent_tools
from agentrouted.core.agent.tools.base import Tool
from agentrouted.core.agent.tools.client import client_tools
from agentrouted.core.agent.tools.mcp import mcp_tools
from agentrouted.core.agent.tools.memory import memory_tools
from agentrouted.core.errors import InvalidParams
from agentrouted.core.history.excerpt import READ_RESULT
from agentrouted.core.output.wanted import OUTPUT_TOOL

_NAME_OF_ITS_OWN: Final = "give each tool a name of its own"
_WITHOUT_OURS: Final = {
    "remember": "one is the memory's: name yours otherwise, or leave ours out by `memory: {remember: off}`",
    "recall": "one is the memory's: name yours otherwise, or leave ours out by `memory: {recall: off}`",
}


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
        raise InvalidParams(f"two tools are called `{twice}`", hint=_WITHOUT_OURS.get(twice, _NAME_OF_ITS_OWN))
    if READ_RESULT in by_name:
        raise InvalidParams(
            f"no tool may be called `{READ_RESULT}`", hint="long results are read on by it: name yours otherwise"
        )
    if run.plan.wanted is not None and OUTPUT_TOOL in by_name:
        raise InvalidParams(
            f"no tool may be called `{OUTPUT_TOOL}`", hint="the answer comes by it: name yours otherwise"
        )
    return by_name


def settings_with_tools(run: RunContext) -> list[str]:
    """What has given this run its tools, as whoever leaves it out has to write it."""
    plan, memory = run.plan, run.plan.memory
    given = {
        "`tools`": run.inside.tools or plan.client_tools,
        "`agents`": plan.agents,
        "`memory: {remember: tool}`": memory and memory.remember == "tool",
        "`memory: {recall: tool}` (`recall: auto` needs no tools)": memory and memory.recall == "tool",
        "`mcpServers`": plan.mcp_servers,
    }
    return [setting for setting, has_tools in given.items() if has_tools]
