"""The body of a request for a chat completion."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import to_json

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.quirks.profile import Quirks, quirks_of
from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.call_arguments import arguments_text
from agentrouted.core.wire.chat_parts import chat_part
from agentrouted.core.wire.chat_thinking import chat_thinking
from agentrouted.core.wire.parts import attached, plain_text
from agentrouted.core.wire.signed import own_blocks
from agentrouted.core.wire.suited import suited
from agentrouted_protocol.messages import Message, ToolCall


def chat_body(endpoint: Endpoint, request: ModelRequest) -> bytes:
    """JSON, as https://platform.openai.com/docs/api-reference/chat/create has it, with the vendor's differences."""
    quirks, request = quirks_of(endpoint), suited(endpoint, request).request
    body: dict[str, Any] = {
        "model": endpoint.model_id,
        "messages": list(_messages(endpoint, request.messages)),
        "stream": True,
        "stream_options": {"include_usage": True},
        **request.sampling.model_dump(exclude_none=True, exclude={"think"}),
        **chat_thinking(quirks.think_field, request.sampling.think),
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = "auto" if request.must_call is None else _choice(request.must_call, quirks)
    if request.output is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": _schema(request.output)}
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    return to_json(_named(body, quirks), inf_nan_mode="null")


def _named(body: dict[str, Any], quirks: Quirks) -> dict[str, Any]:
    """Under the names that the vendor has for it."""
    names = {name: quirks.parameters.get(name, True) for name in body}
    return {name if called is True else str(called): body[name] for name, called in names.items() if called}


def _messages(endpoint: Endpoint, messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """Results of tools take text only: what else is in them, the user shows when all of the turn are there."""
    shown: list[dict[str, Any]] = []
    for message in messages:
        sent = _message(endpoint, message)
        if shown and message.role == "user":
            # Some templates want user and assistant in turn.
            said = sent["content"]
            sent["content"] = [*shown, *(said if isinstance(said, list) else [{"type": "text", "text": said}])]
        elif shown and message.role != "tool":
            yield {"role": "user", "content": shown}
        shown = shown if message.role == "tool" else []
        yield sent
        if message.role == "tool":
            shown += [chat_part(endpoint, part) for part in attached(message)]
    if shown:
        yield {"role": "user", "content": shown}


def _message(endpoint: Endpoint, message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": _content(endpoint, message)}
    if message.name:
        sent["name"] = message.name
    if message.tool_call_id:
        sent["tool_call_id"] = message.tool_call_id
    if signed := own_blocks(endpoint, message):
        sent["reasoning_details"] = [each.block for each in signed]
    if message.tool_calls:
        sent["tool_calls"] = [_call(call) for call in message.tool_calls]
        # Empty text beside calls is refused by some; null is taken by all.
        sent["content"] = sent["content"] or None
        if quirks_of(endpoint).reasoning_back:
            sent["reasoning_content"] = message.reasoning or ""
    return sent


def _content(endpoint: Endpoint, message: Message) -> str | list[dict[str, Any]]:
    if isinstance(message.content, str) or message.role != "user":
        return plain_text(message)
    return [chat_part(endpoint, part) for part in message.content]


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
