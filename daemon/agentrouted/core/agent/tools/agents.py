"""Agents of the config as tools of another agent."""

import re

from pydantic_core import to_json

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.base import Tool, ToolUse
from agentrouted.core.errors import AgentroutedError, ToolFailed
from agentrouted.core.schema.check import compile_fit
from agentrouted.core.wire.base import ToolSpec
from agentrouted_protocol.client_requests import ToolCallResult
from agentrouted_protocol.runs import RunResult

_SCHEMA = {
    "type": "object",
    "properties": {"prompt": {"type": "string", "description": "What the agent is to do, with all it needs to know."}},
    "required": ["prompt"],
    "additionalProperties": False,
}


def agent_tools(run: RunContext) -> list[Tool]:
    """One tool for each agent that this run may call. Each call is a run of its own, which belongs to this one."""
    return [_agent_tool(run, name) for name in run.plan.agents]


def _agent_tool(run: RunContext, name: str) -> Tool:
    async def call(use: ToolUse) -> ToolCallResult:
        try:
            result = await run.start_child(run, name, use.arguments["prompt"], use.call_id)
        except AgentroutedError as error:
            raise ToolFailed(f"{error.kind}: {error.message}") from error
        return ToolCallResult(content=_answer(result), is_error=result.stop_reason == "cancelled")

    description = run.plan.snapshot.config.agents[name].description or f"Gives a task to the agent {name}."
    spec = ToolSpec(re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64], description, _SCHEMA)
    # Its own limits end it, not a tool's.
    return Tool(spec=spec, check=compile_fit(_SCHEMA), call=call, effect="idempotent", timeout=float("inf"))


def _answer(result: RunResult) -> str:
    return result.output if isinstance(result.output, str) else to_json(result.output).decode()
