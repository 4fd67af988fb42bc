"""Messages of the face and of the core, one into the other."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from agentrouted.face.message import Message
from agentrouted_protocol.messages import FilePart, ImagePart, Part, SignedReasoning, TextPart, ToolCall
from agentrouted_protocol.messages import Message as CoreMessage


def to_core(message: Message) -> CoreMessage:
    """Raises ValueError for a role or a part of content that nobody knows."""
    try:
        return CoreMessage(
            role=message.role,
            content=_parts(message.content) if isinstance(message.content, list) else message.content or "",
            reasoning=message.reasoning,
            signed=SignedReasoning.model_validate(message.signed) if message.signed else None,
            tool_calls=[_call_to_core(call) for call in message.tool_calls or ()] or None,
            tool_call_id=message.tool_call_id,
            name=message.name,
        )
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"not a message: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None


def from_core(message: CoreMessage) -> Message:
    content = message.content if isinstance(message.content, str) else [_part_to_dict(part) for part in message.content]
    calls = [call_to_dict(call.id, call.name, json.dumps(call.arguments)) for call in message.tool_calls or ()]
    return Message(
        role=message.role,
        # As the model servers do: a message with nothing but calls has no content.
        content=None if calls and not content else content,
        tool_calls=calls or None,
        tool_call_id=message.tool_call_id,
        name=message.name,
        reasoning=message.reasoning,
        signed=message.signed.to_wire() if message.signed else None,
    )


def to_dicts(messages: Iterable[CoreMessage]) -> list[dict[str, Any]]:
    return [from_core(message).to_dict() for message in messages]


def call_to_dict(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def arguments_of(call: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments of OpenAI's call as an object; None if their text is not one."""
    arguments = (call.get("function") or {}).get("arguments") or "{}"
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else dict(arguments)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _call_to_core(call: Mapping[str, Any]) -> ToolCall:
    name = (call.get("function") or {}).get("name") or ""
    return ToolCall(id=call.get("id") or "", name=name, arguments=arguments_of(call) or {})


def _parts(content: list[dict[str, Any]]) -> list[Part]:
    return [_part(part) for part in content]


def _part(part: Mapping[str, Any]) -> Part:
    match part:
        case {"type": "text", "text": str(text)}:
            return TextPart(text=text)
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return ImagePart(**_address(url))
        case {"type": "file", "file": {"file_data": str(url)} as file}:
            return FilePart(**_address(url), name=file.get("filename"))
    raise ValueError(f"not a part of a message: {part.get('type')!r}; there are text, image_url and file")


def _address(url: str) -> dict[str, str]:
    head, comma, data = url.partition(";base64,")
    if comma and head.startswith("data:"):
        return {"mime_type": head.removeprefix("data:"), "data": data}
    return {"url": url}


def _part_to_dict(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    url = part.url or f"data:{part.mime_type};base64,{part.data}"
    if isinstance(part, ImagePart):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"filename": part.name, "file_data": url}}
