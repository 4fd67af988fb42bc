"""The body of a request for one of OpenAI's responses."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from pydantic_core import to_json

from agentrouted.core.endpoint import Endpoint, Think
from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.call_arguments import arguments_text
from agentrouted.core.wire.parts import inline, plain_text
from agentrouted.core.wire.signed import with_signed
from agentrouted_protocol.messages import FilePart, ImagePart, Message, Part, TextPart

_Item = dict[str, Any]


def responses_body(endpoint: Endpoint, request: ModelRequest) -> bytes:
    """JSON, as https://platform.openai.com/docs/api-reference/responses/create has it.

    `stop`, `seed`, `top_k` and the penalties have no place there.
    """
    front = list(takewhile(lambda message: message.role == "system", request.messages))
    body: dict[str, Any] = {
        "model": endpoint.model_id,
        "instructions": "\n\n".join(map(plain_text, front)) or None,
        "input": [item for message in request.messages[len(front) :] for item in _items(endpoint, message)],
        "stream": True,
        # The conversation is ours to keep, and is sent whole each time.
        "store": False,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "max_output_tokens": request.max_tokens,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": _choice(request.must_call) if request.must_call else None,
        "reasoning": _reasoning(endpoint.think),
        "text": {"format": _format(request.output)} if request.output else None,
    }
    return to_json({name: value for name, value in body.items() if value is not None}, inf_nan_mode="null")


def _reasoning(think: Think | None) -> dict[str, str] | None:
    """A model that does not think refuses any of it."""
    match think:
        case None:
            return None
        case False:
            return {"effort": "none"}
        case True:
            return {"summary": "auto"}
    return {"effort": think, "summary": "auto"}


def _items(endpoint: Endpoint, message: Message) -> list[_Item]:
    match message.role:
        case "assistant":
            text = plain_text(message)
            said = [{"role": "assistant", "content": text}] if text.strip() else []
            calls = [_call(call.id, call.name, call.arguments) for call in message.tool_calls or ()]
            return with_signed(endpoint, message, [*said, *calls])
        case "tool":
            result = {"type": "function_call_output", "call_id": message.tool_call_id or ""}
            return [{**result, "output": _content(message)}]
        case role:
            return [{"role": role, "content": _content(message)}]


def _content(message: Message) -> str | list[_Item]:
    return message.content if isinstance(message.content, str) else [_part(part) for part in message.content]


def _part(part: Part) -> _Item:
    if isinstance(part, TextPart):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, ImagePart):
        return {"type": "input_image", "image_url": _address(part), "detail": "auto"}
    if part.url and inline(part) is None:
        return {"type": "input_file", "file_url": part.url}
    return {"type": "input_file", "filename": part.name or "file", "file_data": _address(part)}


def _address(part: ImagePart | FilePart) -> str:
    file = inline(part)
    return f"data:{file.mime_type};base64,{file.data}" if file else part.url or ""


def _call(call_id: str, name: str, arguments: Mapping[str, Any]) -> _Item:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments_text(arguments)}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    # What is not said to be loose is taken as strict, which most schemas are not made for.
    described = {"type": "function", "name": tool.name, "description": tool.description, "strict": False}
    return {**described, "parameters": tool.input_schema}


def _choice(must_call: str) -> str | dict[str, Any]:
    return "required" if must_call == ANY_TOOL else {"type": "function", "name": must_call}


def _format(output: OutputSchema) -> dict[str, Any]:
    return {"type": "json_schema", "name": output.name, "schema": output.schema, "strict": output.strict}
