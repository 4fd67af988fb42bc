"""The body of a request for Ollama's own `/api/chat`."""

from typing import Any

from pydantic_core import to_json

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import InvalidParams
from agentrouted.core.wire.base import ModelRequest, ToolSpec
from agentrouted.core.wire.inlined import inlined
from agentrouted.core.wire.parts import inline, plain_text
from agentrouted_protocol.messages import FilePart, ImagePart, Message, TextPart


def ollama_body(endpoint: Endpoint, request: ModelRequest, num_ctx: int | None) -> bytes:
    """JSON, as https://github.com/ollama/ollama/blob/main/docs/api.md has it.

    That a tool has to be called (`must_call`) cannot be said there.
    """
    options: dict[str, Any] = {
        **request.sampling.model_dump(exclude_none=True),
        "num_predict": request.max_tokens,
        "num_ctx": num_ctx,
    }
    body: dict[str, Any] = {
        "model": endpoint.model_id,
        "messages": [_message(endpoint, message) for message in request.messages],
        "stream": True,
        # Else the beginning of a long conversation is left out without a word.
        "truncate": False,
        "options": _given(options),
        "tools": [_tool(tool) for tool in request.tools] or None,
        "format": request.output.schema if request.output else None,
        "think": endpoint.think,
        "keep_alive": endpoint.keep_alive,
    }
    return to_json(_given(body), inf_nan_mode="null")


def _message(endpoint: Endpoint, message: Message) -> dict[str, Any]:
    if message.role == "user":
        return {"role": "user", **_said(endpoint, message)}
    sent: dict[str, Any] = {"role": message.role, "content": plain_text(message)}
    if message.role == "tool":
        sent |= {"tool_name": message.name or "", "tool_call_id": message.tool_call_id or ""}
    if message.tool_calls:
        calls = [
            {"id": call.id, "function": {"name": call.name, "arguments": call.arguments}} for call in message.tool_calls
        ]
        # Templates show the model what it thought when it made these calls, and only then.
        sent |= {"tool_calls": calls, "thinking": message.reasoning or ""}
    return sent


def _said(endpoint: Endpoint, message: Message) -> dict[str, Any]:
    """What a user says: text, and images beside it."""
    if isinstance(message.content, str):
        return {"content": message.content}
    texts = [part.text for part in message.content if isinstance(part, TextPart)]
    images = [_image(endpoint, part) for part in message.content if not isinstance(part, TextPart)]
    return {"content": "\n".join(texts), **({"images": images} if images else {})}


def _image(endpoint: Endpoint, part: ImagePart | FilePart) -> str:
    file = inline(part)
    if file is None:
        raise InvalidParams(
            f"{endpoint.label} fetches nothing from the web",
            hint="give the image as base64 `data` in place of its `url`",
        )
    if isinstance(part, FilePart) and not file.mime_type.startswith("image/"):
        raise InvalidParams(
            f"{endpoint.label} takes text and images, and no file of the type {file.mime_type}",
            hint="give the text of the file, or use a model of another provider",
        )
    return file.data


def _tool(tool: ToolSpec) -> dict[str, Any]:
    # It drops references without a word.
    function = {"name": tool.name, "description": tool.description, "parameters": inlined(tool.input_schema)}
    return {"type": "function", "function": function}


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
