"""Requests and replies of models, of the face and of the core."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from agentrouted.core.wire.base import (
    ANY_TOOL,
    CallArguments,
    CallStart,
    Chunk,
    ModelReply,
    ModelRequest,
    OutputSchema,
    RequestedCall,
    TextChunk,
    ToolSpec,
)
from agentrouted.face.conversion import arguments_of, call_to_dict, from_core, to_core
from agentrouted.face.llm import LLMChunk, LLMRequest, LLMResponse
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.runs import Sampling

_STEERING: Final = {"tool_choice", "response_format"}


def to_request(request: LLMRequest) -> ModelRequest:
    """Raises ValueError for something in `extra` that is not known: what has no effect is not taken."""
    sampling = {name: value for name, value in request.extra.items() if name in Sampling.model_fields}
    if unknown := sorted(request.extra.keys() - sampling.keys() - _STEERING):
        known = ", ".join(sorted({*Sampling.model_fields, *_STEERING}))
        raise ValueError(f"`extra` has {', '.join(unknown)}, which no model is told; known are {known}")
    choice = request.extra.get("tool_choice", "auto")
    return ModelRequest(
        messages=tuple(map(to_core, request.messages)),
        tools=() if choice == "none" else tuple(map(_spec, request.tools or ())),
        must_call=_must_call(choice),
        output=_output(request.extra.get("response_format")),
        sampling=Sampling(**{"temperature": request.temperature, **sampling}),
        max_tokens=request.max_tokens,
    )


def from_request(request: ModelRequest, model_id: str) -> LLMRequest:
    extra = request.sampling.model_dump(exclude_none=True, exclude={"temperature"})
    if request.must_call:
        named = {"type": "function", "function": {"name": request.must_call}}
        extra["tool_choice"] = "required" if request.must_call == ANY_TOOL else named
    if request.output:
        schema = {"name": request.output.name, "schema": request.output.schema, "strict": request.output.strict}
        extra["response_format"] = {"type": "json_schema", "json_schema": schema}
    return LLMRequest(
        model=model_id,
        messages=[from_core(message) for message in request.messages],
        tools=[_tool(spec) for spec in request.tools] or None,
        temperature=request.sampling.temperature,
        max_tokens=request.max_tokens,
        extra=extra,
    )


def from_reply(reply: ModelReply) -> LLMResponse:
    return LLMResponse(
        content=reply.text or (None if reply.calls else ""),
        tool_calls=[call_to_dict(call.id, call.name, call.text) for call in reply.calls],
        usage=_usage_dict(reply.usage),
        model=reply.model,
    )


def to_reply(response: LLMResponse) -> ModelReply:
    """Of a model that somebody else has written: what it leaves out counts as nothing."""
    calls = tuple(_requested(call, number) for number, call in enumerate(response.tool_calls or (), 1))
    return ModelReply(
        text=response.content or "",
        reasoning="",
        calls=calls,
        finish_reason="tool_calls" if calls else "stop",
        usage=_usage(response.usage or {}),
        model=response.model,
    )


def as_chunks(reply: ModelReply) -> list[Chunk]:
    """A reply that came whole, as if it had been streamed."""
    text = [TextChunk(reply.text)] if reply.text else []
    starts = [CallStart(call.id, call.name) for call in reply.calls]
    return [*text, *starts, *(CallArguments(call.id, call.text) for call in reply.calls), reply]


def from_chunks(chunks: Sequence[Chunk]) -> Iterator[LLMChunk]:
    for chunk in chunks:
        match chunk:
            case TextChunk(text):
                yield LLMChunk(delta=text)
            case CallStart(call_id, name):
                yield LLMChunk(tool_call_delta={"id": call_id, "type": "function", "function": {"name": name}})
            case CallArguments(call_id, text):
                yield LLMChunk(tool_call_delta={"id": call_id, "function": {"arguments": text}})
            case ModelReply():
                yield LLMChunk(done=True, usage=_usage_dict(chunk.usage))


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    function = tool["function"]
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    return ToolSpec(function["name"], function.get("description") or "", parameters)


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.input_schema}
    return {"type": "function", "function": function}


def _must_call(choice: Any) -> str | None:
    if isinstance(choice, Mapping):
        return str(choice["function"]["name"])
    return ANY_TOOL if choice == "required" else None


def _output(response_format: Mapping[str, Any] | None) -> OutputSchema | None:
    if not response_format or "json_schema" not in response_format:
        return None
    asked = response_format["json_schema"]
    return OutputSchema(asked.get("name", "answer"), asked.get("schema") or {}, bool(asked.get("strict")))


def _requested(call: Mapping[str, Any], number: int) -> RequestedCall:
    function = call.get("function") or {}
    written = function.get("arguments") or "{}"
    text = written if isinstance(written, str) else json.dumps(written)
    return RequestedCall(call.get("id") or f"call_{number}", function.get("name") or "", text, arguments_of(call))


def _usage(said: Mapping[str, Any]) -> Usage:
    cost = said.get("cost")
    is_known = isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < math.inf
    return Usage(
        input_tokens=int(said.get("prompt_tokens") or 0),
        output_tokens=int(said.get("completion_tokens") or 0),
        total_cost_usd=float(cost) if is_known and cost is not None else 0.0,
        cost_source="reported" if is_known else "local",
        model_calls=1,
    )


def _usage_dict(usage: Usage) -> dict[str, Any]:
    tokens = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
    is_priced = usage.total_cost_usd is not None and usage.cost_source != "local"
    cost = {"cost": usage.total_cost_usd} if is_priced else {}
    return {**tokens, "total_tokens": usage.input_tokens + usage.output_tokens, **cost}
