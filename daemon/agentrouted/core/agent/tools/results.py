"""The tool that reads on where a long result was cut."""

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.base import Tool, ToolUse
from agentrouted.core.errors import ToolFailed
from agentrouted.core.history.excerpt import LONGEST_PIECE, READ_RESULT, read_piece
from agentrouted.core.history.repair import repair
from agentrouted.core.schema.check import compile_fit
from agentrouted.core.tokens import text_of
from agentrouted.core.wire.base import ToolSpec
from agentrouted_protocol.client_requests import ToolCallResult

_SCHEMA = {
    "type": "object",
    "properties": {
        "call_id": {"type": "string", "description": "The id in the note where the result was cut."},
        "offset": {"type": "integer", "minimum": 0, "description": "The first character; 0 unless told."},
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": LONGEST_PIECE,
            "description": "Characters; 4000 unless told.",
        },
    },
    "required": ["call_id"],
    "additionalProperties": False,
}


def result_tool(run: RunContext) -> Tool:
    """Offered to the model as soon as a result was cut."""

    async def call(use: ToolUse) -> ToolCallResult:
        call_id = use.arguments["call_id"]
        if call_id not in run.cut:
            raise ToolFailed(f"no result with this id was cut. Cut were: {sorted(run.cut)}")
        results = (message for message in repair(run.state.conversation) if message.tool_call_id == call_id)
        text = text_of(next(results))
        offset, limit = use.arguments.get("offset", 0), use.arguments.get("limit", 4000)
        return ToolCallResult(content=read_piece(text, offset, limit))

    spec = ToolSpec(READ_RESULT, "Reads a part of a tool result that was shortened.", _SCHEMA)
    return Tool(spec=spec, check=compile_fit(_SCHEMA), call=call, effect="read")
