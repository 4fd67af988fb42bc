"""The body of a request for one of OpenAI's responses."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from pydantic_core import to_json

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.call_arguments import arguments_text
from agentrouted.core.wire.parts import inline, is_image, named_text, not_taken, plain_text
from agentrouted.core.wire.signed import with_signed
from agentrouted.core.wire.suited import suited
from agentrouted_protocol.messages import FilePart, Message, Part, TextPart
from agentrouted_protocol.runs import Think

_Item = dict[str, Any]


def responses_body(endpoint: Endpoint, request: ModelRequest) -> bytes:
    """JSON, as https://platform.openai.com/docs/api-reference/responses/create has it."""
    request = suited(endpoint, request).request
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
        "reasoning": _reasoning(request.sampling.think),
        # What is not stored comes back only so, at some servers. A model that does not think refuses it.
        "include": ["reasoning.encrypted_content"] if request.sampling.think else None,
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
            return [{**result, "output": _content(endpoint, message)}]
        case role:
            return [{"role": role, "content": _content(endpoint, message)}]


def _content(endpoint: Endpoint, message: Message) -> str | list[_Item]:
    if isinstance(message.content, str) or message.role == "system":
        return plain_text(message)
    return [_part(endpoint, part) for part in message.content]


def _part(endpoint: Endpoint, part: Part) -> _Item:
    if isinstance(part, TextPart):
        return {"type": "input_text", "text": part.text}
    file = inline(part)
    if is_image(part, file):
        return {"type": "input_image", "image_url": file.url if file else part.url, "detail": "auto"}
    if file is None:
        return {"type": "input_file", "file_url": part.url}
    if file.is_text:
        # Few servers know files, and all know text.
        return {"type": "input_text", "text": named_text(part, file)}
    if file.mime_type.startswith(("audio/", "video/")):
        raise not_taken(
            endpoint, f"`{file.mime_type}` in the format `{endpoint.wire}`", "give text, images or documents"
        )
    name = part.name if isinstance(part, FilePart) else None
    return {"type": "input_file", "filename": name or "file", "file_data": file.url}


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
