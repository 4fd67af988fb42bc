"""The tools by which a model remembers, and looks up what is."""

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.remembered import line_of, look_up
from agentrouted.core.agent.tools.base import Tool, ToolUse
from agentrouted.core.errors import AgentroutedError, ToolFailed
from agentrouted.core.schema.check import compile_fit
from agentrouted.core.wire.base import ToolSpec
from agentrouted_protocol.client_requests import ToolCallResult
from agentrouted_protocol.memory import MemoryRecallParams, MemoryRememberParams, Source
from agentrouted_protocol.scope import Scope

_REMEMBER = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 1, "description": "The fact, as a sentence that stands for itself."},
        "key": {
            "type": "string",
            "description": "A short name of what it is about, where a new fact is to replace the one before.",
        },
        "kind": {"type": "string", "enum": ["fact", "preference", "note", "episode"]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["text"],
    "additionalProperties": False,
}

_RECALL = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "Words that it may be found by; empty lists the newest."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 50, "description": "10 unless told."},
    },
    "required": ["query"],
    "additionalProperties": False,
}


def memory_tools(run: RunContext) -> list[Tool]:
    """Those that the run asked for."""
    memory = run.plan.memory
    if memory is None:
        return []
    tools = []
    if memory.remember == "tool":
        tools.append(_remember_tool(run, memory.scope))
    if memory.recall == "tool":
        tools.append(_recall_tool(run, memory.scope))
    return tools


def _remember_tool(run: RunContext, scope: Scope) -> Tool:
    async def call(use: ToolUse) -> ToolCallResult:
        fact = MemoryRememberParams(**use.arguments, scope=scope)
        source = Source(run_id=run.run_id, session_id=run.plan.session_id)
        try:
            result = await (await run.services.memory.get()).remember(fact, source, run.plan.boundary)
        except AgentroutedError as error:
            raise ToolFailed(error.message) from error
        left_out = f" without its secrets ({', '.join(result.redacted)})" if result.redacted else ""
        return ToolCallResult(content=f"Remembered{left_out}.")

    spec = ToolSpec("remember", "Keeps a fact for later conversations.", _REMEMBER)
    return Tool(spec=spec, check=compile_fit(_REMEMBER), call=call)


def _recall_tool(run: RunContext, scope: Scope) -> Tool:
    async def call(use: ToolUse) -> ToolCallResult:
        query = MemoryRecallParams(**use.arguments, scope=scope)
        try:
            hits = await look_up(run, query, run.state.conversation)
        except AgentroutedError as error:
            raise ToolFailed(error.message) from error
        return ToolCallResult(content="\n".join(map(line_of, hits)) or "Nothing is remembered about that.")

    spec = ToolSpec("recall", "Finds what was remembered, and what was said in earlier conversations.", _RECALL)
    return Tool(spec=spec, check=compile_fit(_RECALL), call=call, effect="read")
