"""The body of a request for a chat completion."""

from typing import Any

from pydantic_core import to_json

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.call_arguments import arguments_text
from agentrouted.core.wire.chat_quirks import Quirks, quirks_of, wants_reasoning_back
from agentrouted_protocol.messages import FilePart, ImagePart, Message, Part, TextPart, ToolCall


def chat_body(endpoint: Endpoint, request: ModelRequest) -> bytes:
    """JSON, as https://platform.openai.com/docs/api-reference/chat/create has it, with the vendor's differences."""
    quirks, with_reasoning = quirks_of(endpoint), wants_reasoning_back(endpoint)
    body: dict[str, Any] = {
        "model": endpoint.model_id,
        "messages": [_message(message, with_reasoning) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        **request.sampling.model_dump(exclude_none=True),
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = "auto" if request.must_call is None else _choice(request.must_call, quirks)
    if request.output is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": _schema(request.output)}
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    named = {quirks.renamed.get(name, name): value for name, value in body.items() if name not in quirks.refused}
    return to_json(named, inf_nan_mode="null")


def _message(message: Message, with_reasoning: bool) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.name:
        sent["name"] = message.name
    if message.tool_call_id:
        sent["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        sent["tool_calls"] = [_call(call) for call in message.tool_calls]
        # Empty text beside calls is refused by some; null is taken by all.
        sent["content"] = sent["content"] or None
        if with_reasoning:
            sent["reasoning_content"] = message.reasoning or ""
    return sent


def _content(message: Message) -> str | list[dict[str, Any]]:
    if isinstance(message.content, str):
        return message.content
    if message.role == "user":
        return [_part(part) for part in message.content]
    # Only what a user says may hold images and files; elsewhere the model is told that there was one.
    return "\n".join(part.text if isinstance(part, TextPart) else f"[{part.type}]" for part in message.content)


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        return {"type": "image_url", "image_url": {"url": _address(part)}}
    return {"type": "file", "file": {"filename": part.name or "file", "file_data": _address(part)}}


def _address(part: ImagePart | FilePart) -> str:
    if part.url:
        return part.url
    fallback = "image/png" if isinstance(part, ImagePart) else "application/octet-stream"
    return f"data:{part.mime_type or fallback};base64,{part.data or ''}"


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments_text(call.arguments)},
    }


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
    return {"type": "function", "function": function}


def _choice(must_call: str, quirks: Quirks) -> str | dict[str, Any]:
    if must_call == ANY_TOOL or not quirks.names_tools:
        return "required"
    return {"type": "function", "function": {"name": must_call}}


def _schema(output: OutputSchema) -> dict[str, Any]:
    return {"name": output.name, "schema": output.schema, "strict": output.strict}
