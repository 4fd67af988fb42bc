"""The body of a request for Gemini's `generateContent`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_json

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, ToolSpec
from agentrouted.core.wire.gemini_schema import gemini_schema
from agentrouted.core.wire.gemini_thinking import thinking_config
from agentrouted.core.wire.parts import attached, inline, is_failure, plain_text
from agentrouted.core.wire.signed import own_blocks
from agentrouted.core.wire.suited import suited
from agentrouted_protocol.messages import Message, Part, TextPart

_SAMPLING: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "seed": "seed",
    "stop": "stopSequences",
}

# From Gemini 3 on, a call without its signature is an error; this stands for the signature of a call that another
# model has made. https://ai.google.dev/gemini-api/docs/thought-signatures
_WANTS_SIGNATURES: Final = re.compile(r"gemini-([3-9]|\d\d)")
_OF_ANOTHER_MODEL: Final = "skip_thought_signature_validator"


def gemini_body(endpoint: Endpoint, request: ModelRequest) -> bytes:
    """JSON, as https://ai.google.dev/api/generate-content has it."""
    request = suited(endpoint, request).request
    system = [{"text": plain_text(message)} for message in request.messages if message.role == "system"]
    body: dict[str, Any] = {
        "contents": list(_contents(endpoint, request.messages)),
        "systemInstruction": {"parts": system} if system else None,
        "tools": [{"functionDeclarations": [_tool(tool) for tool in request.tools]}] if request.tools else None,
        "toolConfig": _tool_config(request.must_call) if request.tools and request.must_call else None,
        "generationConfig": _generation(endpoint, request) or None,
    }
    return to_json({name: value for name, value in body.items() if value is not None}, inf_nan_mode="null")


def _generation(endpoint: Endpoint, request: ModelRequest) -> dict[str, Any]:
    sampling = request.sampling.model_dump(exclude_none=True, exclude={"think"})
    generation: dict[str, Any] = {_SAMPLING[name]: value for name, value in sampling.items()}
    if request.max_tokens is not None:
        generation["maxOutputTokens"] = request.max_tokens
    if request.output is not None:
        generation["responseMimeType"] = "application/json"
        generation["responseSchema"] = gemini_schema(request.output.schema)
    if thinking := thinking_config(endpoint.model_id, request.sampling.think):
        generation["thinkingConfig"] = thinking
    return generation


def _contents(endpoint: Endpoint, messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """What is said in turns. The results of one turn's calls are one turn, with what they show behind them."""
    names = {call.id: call.name for message in messages for call in message.tool_calls or ()}
    results: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "tool":
            results.append(_result(message, names))
            shown += map(_part, attached(message))
            continue
        if results:
            yield {"role": "user", "parts": [*results, *shown]}
            results, shown = [], []
        parts = _asked(endpoint, message) if message.role == "assistant" else _said(message)
        if parts and message.role != "system":
            yield {"role": "model" if message.role == "assistant" else "user", "parts": parts}
    if results:
        yield {"role": "user", "parts": [*results, *shown]}


def _said(message: Message) -> list[dict[str, Any]]:
    if isinstance(message.content, str):
        return [{"text": message.content}] if message.content else []
    return [_part(part) for part in message.content if not isinstance(part, TextPart) or part.text]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"text": part.text}
    if file := inline(part):
        return {"inlineData": {"mimeType": file.mime_type, "data": file.data}}
    return {"fileData": {"fileUri": part.url, **({"mimeType": part.mime_type} if part.mime_type else {})}}


def _asked(endpoint: Endpoint, message: Message) -> list[dict[str, Any]]:
    """What the model said itself: text, and calls with their signatures."""
    text = plain_text(message)
    parts: list[dict[str, Any]] = [{"text": text}] if text.strip() else []
    calls: list[dict[str, Any]] = [
        {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}}
        for call in message.tool_calls or ()
    ]
    parts += calls
    for signed in own_blocks(endpoint, message):
        if 0 <= signed.at < len(parts):
            parts[signed.at] |= signed.block
    if calls and _WANTS_SIGNATURES.search(endpoint.model_id):
        # Of calls side by side, only the first is signed.
        calls[0].setdefault("thoughtSignature", _OF_ANOTHER_MODEL)
    return parts


def _result(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    call_id = message.tool_call_id or ""
    name = message.name or names.get(call_id, "")
    said = {"error" if is_failure(message) else "output": plain_text(message)}
    return {"functionResponse": {"id": call_id, "name": name, "response": said}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    parameters = gemini_schema(tool.input_schema)
    # An object without properties is refused.
    taken = {"parameters": parameters} if parameters.get("properties") else {}
    return {"name": tool.name, "description": tool.description, **taken}


def _tool_config(must_call: str) -> dict[str, Any]:
    named = {} if must_call == ANY_TOOL else {"allowedFunctionNames": [must_call]}
    return {"functionCallingConfig": {"mode": "ANY", **named}}
