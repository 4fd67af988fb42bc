"""A request that asks for a structured answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from agentrouted.core.output.strict import is_strict
from agentrouted.core.output.wanted import OUTPUT_TOOL, Mode, Wanted
from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted_protocol.messages import Message, TextPart


def shape(request: ModelRequest, wanted: Wanted, mode: Mode) -> ModelRequest:
    """`request`, with what asks for the answer in this way."""
    match mode:
        case "native":
            # Most servers only pick the words by the schema: the model does not see it there.
            messages = _instructed(request.messages, wanted.object_schema)
            return replace(request, messages=messages, output=_output(wanted))
        case "tool":
            must_call = ANY_TOOL if request.tools else OUTPUT_TOOL
            return replace(_with_tool(request, wanted), must_call=must_call)
        case "offered":
            return _with_tool(request, wanted)
        case "prompted":
            return replace(request, messages=_instructed(request.messages, wanted.schema))
        case "text":
            return request


def _output(wanted: Wanted) -> OutputSchema:
    # Letters, digits, `_` and `-`, 64 of them: OpenAI refuses other names.
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", wanted.name)[:64] or "answer"
    return OutputSchema(name, wanted.object_schema, strict=is_strict(wanted.object_schema))


def _with_tool(request: ModelRequest, wanted: Wanted) -> ModelRequest:
    description = f"Return the final answer as a structured {wanted.name} object."
    return replace(request, tools=(*request.tools, ToolSpec(OUTPUT_TOOL, description, wanted.object_schema)))


def _instructed(messages: Sequence[Message], schema: Mapping[str, Any]) -> Sequence[Message]:
    """At the end of the instructions: most templates take one `system` message only, and that at the front."""
    instruction = _instruction(schema)
    if not messages or messages[0].role != "system":
        return (Message(role="system", content=instruction), *messages)
    content = messages[0].content
    joined = f"{content}\n\n{instruction}" if isinstance(content, str) else [*content, TextPart(text=instruction)]
    return (messages[0].model_copy(update={"content": joined}), *messages[1:])


def _instruction(schema: Mapping[str, Any]) -> str:
    return (
        "Give your final answer as JSON that fits this JSON Schema, and write nothing before or after it:\n"
        + to_json(schema).decode()
    )
