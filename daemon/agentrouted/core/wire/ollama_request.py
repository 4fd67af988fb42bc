"""The body of a request for Ollama's own `/api/chat`."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import to_json

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import ModelRequest, ToolSpec
from agentrouted.core.wire.inlined import inlined
from agentrouted.core.wire.parts import inline, is_image, named_text, not_taken, plain_text
from agentrouted.core.wire.suited import suited
from agentrouted_protocol.messages import Message, TextPart


def ollama_body(endpoint: Endpoint, request: ModelRequest, num_ctx: int | None) -> bytes:
    """JSON, as https://github.com/ollama/ollama/blob/main/docs/api.md has it.

    That a tool has to be called (`must_call`) cannot be said there.
    """
    request = suited(endpoint, request).request
    options: dict[str, Any] = {
        **request.sampling.model_dump(exclude_none=True, exclude={"think"}),
        "num_predict": request.max_tokens,
        "num_ctx": num_ctx,
    }
    body: dict[str, Any] = {
        "model": endpoint.model_id,
        "messages": list(_messages(endpoint, request.messages)),
        "stream": True,
        # Else the beginning of a long conversation is left out without a word.
        "truncate": False,
        "options": _given(options),
        "tools": [_tool(tool) for tool in request.tools] or None,
        "format": request.output.schema if request.output else None,
        "think": request.sampling.think,
        "keep_alive": endpoint.keep_alive,
    }
    return to_json(_given(body), inf_nan_mode="null")


def _messages(endpoint: Endpoint, messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """Templates look for images in what the user says: those of results follow when all of the turn are there."""
    images: list[str] = []
    for message in messages:
        if images and message.role != "tool":
            yield {"role": "user", "content": "", "images": images}
            images = []
        yield _message(endpoint, message)
        if message.role == "tool":
            images += _said(endpoint, message).get("images", [])
    if images:
        yield {"role": "user", "content": "", "images": images}


def _message(endpoint: Endpoint, message: Message) -> dict[str, Any]:
    if message.role == "user":
        return {"role": "user", **_said(endpoint, message)}
    sent: dict[str, Any] = {"role": message.role, "content": plain_text(message)}
    if message.role == "tool":
        sent |= {"tool_name": message.name or "", "tool_call_id": message.tool_call_id or ""}
        sent["content"] = _said(endpoint, message)["content"] or sent["content"]
    if message.tool_calls:
        calls = [
            {"id": call.id, "function": {"name": call.name, "arguments": call.arguments}} for call in message.tool_calls
        ]
        # Templates show the model what it thought when it made these calls, and only then.
        sent |= {"tool_calls": calls, "thinking": message.reasoning or ""}
    return sent


def _said(endpoint: Endpoint, message: Message) -> dict[str, Any]:
    """Text, and images beside it."""
    if isinstance(message.content, str):
        return {"content": message.content}
    texts: list[str] = []
    images: list[str] = []
    for part in message.content:
        if isinstance(part, TextPart):
            texts.append(part.text)
        elif (file := inline(part)) is None:
            raise not_taken(endpoint, "addresses: it fetches nothing", "give base64 `data` in place of the `url`")
        elif is_image(part, file):
            images.append(file.data)
        elif file.is_text:
            texts.append(named_text(part, file))
        else:
            raise not_taken(endpoint, f"files of the type `{file.mime_type}`", "give text or images")
    return {"content": "\n".join(texts), **({"images": images} if images else {})}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    # It drops references without a word.
    function = {"name": tool.name, "description": tool.description, "parameters": inlined(tool.input_schema)}
    return {"type": "function", "function": function}


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
