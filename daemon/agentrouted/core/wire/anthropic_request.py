"""The body of a request for one of Anthropic's messages."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_json

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.anthropic_schema import narrowed
from agentrouted.core.wire.anthropic_thinking import thinking
from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, ToolSpec
from agentrouted.core.wire.parts import inline, is_failure, is_image, not_taken, plain_text
from agentrouted.core.wire.signed import with_signed
from agentrouted.core.wire.suited import suited
from agentrouted_protocol.messages import FilePart, Message, Part, TextPart, ToolCall
from agentrouted_protocol.runs import Sampling

# `max_tokens` has to be there, and what is beyond a model's own limit is refused. The first that the name contains.
_LONGEST: Final = (
    (("claude-3-opus", "claude-3-sonnet", "claude-3-haiku"), 4_096),
    (("claude-3-5",), 8_192),
    (("claude-opus-4-0", "claude-opus-4-1", "claude-opus-4-2025"), 32_000),
    (("claude",), 64_000),
)
_LONGEST_OF_OTHERS: Final = 8_192

_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})

_Block = dict[str, Any]


def anthropic_body(endpoint: Endpoint, request: ModelRequest) -> bytes:
    """JSON, as https://platform.claude.com/docs/en/api/messages has it."""
    request = suited(endpoint, request).request
    max_tokens = request.max_tokens or _longest(endpoint.model_id)
    body: dict[str, Any] = {
        "model": endpoint.model_id,
        "max_tokens": max_tokens,
        "messages": _turns(endpoint, request.messages),
        "stream": True,
        **_sampling(request.sampling),
    }
    if request.must_call is None:
        # Whoever has to call a tool has no time to think: both together are refused.
        body |= thinking(request.sampling.think, endpoint.model_id, max_tokens)
    if system := "\n\n".join(plain_text(message) for message in request.messages if message.role == "system"):
        body["system"] = system
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.must_call is not None:
        named = {"type": "tool", "name": request.must_call}
        body["tool_choice"] = {"type": "any"} if request.must_call == ANY_TOOL else named
    if request.output is not None:
        held_to = {"type": "json_schema", "schema": narrowed(request.output.schema)}
        body["output_config"] = {**body.get("output_config", {}), "format": held_to}
    return to_json(body, inf_nan_mode="null")


def _longest(model_id: str) -> int:
    name = model_id.lower()
    limits = (limit for names, limit in _LONGEST if any(each in name for each in names))
    return next(limits, _LONGEST_OF_OTHERS)


def _sampling(sampling: Sampling) -> Mapping[str, Any]:
    given = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "stop_sequences": sampling.stop,
    }
    return {name: value for name, value in given.items() if value is not None}


def _turns(endpoint: Endpoint, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """User and assistant in turn: results of tools are said by the user, all those of a turn in one message."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(endpoint, message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(endpoint: Endpoint, message: Message) -> list[_Block]:
    match message.role:
        case "system":
            return []
        case "user":
            return _content(endpoint, message.content)
        case "tool":
            result: _Block = {"type": "tool_result", "tool_use_id": _id(message.tool_call_id or "")}
            failed = {"is_error": True} if is_failure(message) else {}
            return [{**result, "content": _content(endpoint, message.content), **failed}]
        case "assistant":
            said = _content(endpoint, plain_text(message))
            return with_signed(endpoint, message, [*said, *map(_call, message.tool_calls or ())])


def _content(endpoint: Endpoint, content: str | list[Part]) -> list[_Block]:
    """Text that is empty or blank is refused."""
    parts = [TextPart(text=content)] if isinstance(content, str) else content
    return [_part(endpoint, part) for part in parts if not (isinstance(part, TextPart) and not part.text.strip())]


def _part(endpoint: Endpoint, part: Part) -> _Block:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    file = inline(part)
    if file is None:
        source = {"type": "url", "url": part.url or ""}
    elif file.is_text:
        source = {"type": "text", "media_type": "text/plain", "data": file.text()}
    elif file.mime_type in _IMAGES or (file.mime_type == "application/pdf" and isinstance(part, FilePart)):
        source = {"type": "base64", "media_type": file.mime_type, "data": file.data}
    else:
        raise not_taken(endpoint, f"`{file.mime_type}`", "give JPEG, PNG, GIF, WebP, PDF or text, with its `mimeType`")
    if is_image(part, file):
        return {"type": "image", "source": source}
    title = part.name if isinstance(part, FilePart) else None
    return {"type": "document", "source": source, **({"title": title} if title else {})}


def _call(call: ToolCall) -> _Block:
    return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": call.arguments}


def _id(call_id: str) -> str:
    """Ids that other vendors gave may have characters that are refused here."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", call_id)


def _tool(tool: ToolSpec) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **described, "input_schema": {"type": "object", **tool.input_schema}}
