"""The body of a request for one of Anthropic's messages."""

import json
from typing import Any

import pytest
from harness.wire import KEY, answer, endpoint, prompt

from agentrouted.core.wire.anthropic_request import anthropic_body
from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.key_headers import key_headers
from agentrouted.core.wire.signed import signed_by
from agentrouted.testing import anthropic
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.messages import FilePart, ImagePart, Message, SignedBlock, TextPart, ToolCall
from agentrouted_protocol.runs import Sampling

HERE: dict[str, Any] = {"wire": "anthropic_messages"}


def body(request: ModelRequest, **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        anthropic_body(endpoint("http://models.example/v1", **HERE | changes), request)
    )
    return document


def sent(*messages: Message, **changes: Any) -> Any:
    return body(prompt(messages=messages), **changes)["messages"]


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def test_a_plain_prompt_is_streamed_with_a_limit() -> None:
    assert body(prompt("Hi")) == {
        "model": "big-model",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [text("Hi")]}],
        "stream": True,
    }


def test_a_whole_conversation() -> None:
    conversation = [
        Message(role="system", content="Be brief."),
        Message(role="user", content="1 + 2? 3 + 4?"),
        Message(
            role="assistant",
            content="Let me see.",
            reasoning="plan",
            tool_calls=[ToolCall(id="a", name="add", arguments={"a": 1}), ToolCall(id="b", name="add")],
        ),
        Message(role="tool", tool_call_id="a", name="add", content="3"),
        Message(role="tool", tool_call_id="b", name="add", content="Error: no"),
        Message(role="user", content="Go on."),
        Message(role="assistant", content="It is 3."),
        Message(role="assistant", content="And 7."),
    ]
    asked = body(prompt(messages=conversation))
    assert asked["system"] == "Be brief."
    assert asked["messages"] == [
        {"role": "user", "content": [text("1 + 2? 3 + 4?")]},
        {
            "role": "assistant",
            "content": [
                text("Let me see."),
                {"type": "tool_use", "id": "a", "name": "add", "input": {"a": 1}},
                {"type": "tool_use", "id": "b", "name": "add", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [text("3")]},
                {"type": "tool_result", "tool_use_id": "b", "content": [text("Error: no")], "is_error": True},
                text("Go on."),
            ],
        },
        {"role": "assistant", "content": [text("It is 3."), text("And 7.")]},
    ]


def test_instructions_stand_above_the_conversation_wherever_they_were() -> None:
    later = Message(role="system", content=[TextPart(text="In French."), ImagePart(data="QUJD")])
    asked = body(prompt(messages=[Message(role="system", content="Be brief."), *prompt("Hi").messages, later]))
    assert asked["system"] == "Be brief.\n\nIn French.\n[image]"
    assert len(asked["messages"]) == 1


def test_blank_text_is_left_out() -> None:
    turns = sent(
        Message(role="user", content=[TextPart(text=" "), TextPart(text="Hi")]),
        Message(role="assistant", content="\n", tool_calls=[ToolCall(id="a", name="add")]),
        Message(role="tool", tool_call_id="a", content=""),
    )
    assert turns[0]["content"] == [text("Hi")]
    assert [block["type"] for block in turns[1]["content"]] == ["tool_use"]
    assert turns[2]["content"][0]["content"] == []


def test_images_and_files_are_blocks_also_in_results_of_tools() -> None:
    parts = [
        ImagePart(url="https://x/a.png"),
        ImagePart(data="QUJD", mime_type="image/jpg"),
        ImagePart(url="data:image/gif;base64,QUJD"),
        FilePart(data="QUJD", mime_type="application/pdf", name="a.pdf"),
        FilePart(url="https://x/a.pdf"),
        FilePart(data="w7w=", mime_type="text/csv"),
        FilePart(data="QUJD", mime_type="image/webp"),
    ]
    blocks = [
        {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "QUJD"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "QUJD"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"},
            "title": "a.pdf",
        },
        {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ü"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "QUJD"}},
    ]
    [turn] = sent(Message(role="user", content=parts), Message(role="tool", tool_call_id="a", content=parts))
    assert turn["content"][:-1] == blocks
    assert turn["content"][-1] == {"type": "tool_result", "tool_use_id": "a", "content": blocks}


def test_signed_thinking_stands_first_as_it_did() -> None:
    thought = {"type": "thinking", "thinking": "plan", "signature": "s1"}
    signed = signed_by(endpoint("", **HERE), [SignedBlock(at=0, block=thought)])
    said = Message(role="assistant", content="So.", reasoning="plan", signed=signed)
    assert sent(said)[0]["content"] == [thought, text("So.")]
    assert sent(said, model_id="another")[0]["content"] == [text("So.")]


def test_sampling_has_its_names_and_nothing_that_is_refused() -> None:
    every = Sampling(
        temperature=0.5, top_p=0.9, top_k=4, frequency_penalty=0.1, presence_penalty=0.2, seed=7, stop=["END"]
    )
    asked = body(prompt(sampling=every, max_tokens=9))
    taken = {"temperature": 0.5, "top_p": 0.9, "top_k": 4, "stop_sequences": ["END"], "max_tokens": 9}
    assert asked == body(prompt()) | taken


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-5-sonnet-latest", 8192),
        ("claude-opus-4-20250514", 32000),
        ("claude-opus-4-1", 32000),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", 64000),
        ("Claude-Next", 64000),
        ("kimi-k2", 8192),
    ],
)
def test_a_reply_may_be_as_long_as_the_model_can_write(model: str, limit: int) -> None:
    assert body(prompt(), model_id=model)["max_tokens"] == limit


def test_tools_have_a_schema_of_an_object() -> None:
    schema = {"properties": {"a": {"type": "number"}}}
    asked = body(prompt(tools=[ToolSpec("add", "Adds.", schema), ToolSpec("stop", "", {"type": "object"})]))
    assert asked["tools"] == [
        {"name": "add", "description": "Adds.", "input_schema": {"type": "object", **schema}},
        {"name": "stop", "input_schema": {"type": "object"}},
    ]
    assert "tool_choice" not in asked


@pytest.mark.parametrize(
    ("must_call", "choice"), [("add", {"type": "tool", "name": "add"}), (ANY_TOOL, {"type": "any"})]
)
def test_a_tool_may_have_to_be_called(must_call: str, choice: Any) -> None:
    assert body(prompt(must_call=must_call))["tool_choice"] == choice


def test_a_schema_is_narrowed_to_what_is_taken() -> None:
    schema = {
        "type": "object",
        "properties": {
            "minimum": {"type": "integer", "minimum": 1, "default": {"maximum": 2}},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}, "minItems": 3},
            "map": {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}},
            "either": {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
        },
        "required": ["minimum"],
        "$defs": {"Tag": {"properties": {"name": {"type": "string", "enum": ["a"]}}}},
    }
    asked = body(prompt(output=OutputSchema("City", schema)))
    assert asked["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {
                "minimum": {"type": "integer", "default": {"maximum": 2}},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
                "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
            "required": ["minimum"],
            "$defs": {
                "Tag": {
                    "properties": {"name": {"type": "string", "enum": ["a"]}},
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
    }


def test_ids_of_other_vendors_are_written_so_that_they_are_taken() -> None:
    asked, told = sent(
        Message(role="assistant", tool_calls=[ToolCall(id="functions.add:0", name="add")]),
        Message(role="tool", tool_call_id="functions.add:0", content="3"),
    )
    assert asked["content"][0]["id"] == told["content"][0]["tool_use_id"] == "functions_add_0"


def test_numbers_that_json_does_not_know_are_null() -> None:
    [turn] = sent(Message(role="assistant", tool_calls=[ToolCall(id="a", name="f", arguments={"a": float("nan")})]))
    assert turn["content"][0]["input"] == {"a": None}


def test_the_key_has_a_header_of_its_own() -> None:
    version = {"anthropic-version": "2023-06-01"}
    at_home = endpoint("", provider="anthropic", **HERE)
    assert key_headers(at_home) == version | {"x-api-key": KEY}
    assert key_headers(endpoint("", **HERE)) == version | {"x-api-key": KEY, "authorization": f"Bearer {KEY}"}
    assert key_headers(endpoint("", api_key=None, **HERE)) == version


@pytest.mark.parametrize("base", ["", "/v1", "/anthropic", "/anthropic/v1"])
async def test_an_address_may_end_in_the_version_or_before_it(http: HttpClient, base: str) -> None:
    async with Upstream([anthropic.stream("Hi")]) as upstream:
        await answer(http, upstream.url.removesuffix("/v1") + base, **HERE)
    assert upstream.requests[0].path == base.removesuffix("/v1") + "/v1/messages"


ADAPTIVE = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("model", "think", "max_tokens", "thinking"),
    [
        ("claude-opus-4-6", None, None, None),
        ("claude-opus-4-6", False, None, {"type": "disabled"}),
        ("claude-opus-4-6", True, None, ADAPTIVE),
        ("claude-sonnet-5", "high", None, ADAPTIVE),
        ("claude-sonnet-4-5-20250929", True, None, {"type": "enabled", "budget_tokens": 8192}),
        ("claude-sonnet-4-20250514", "max", None, {"type": "enabled", "budget_tokens": 32000}),
        ("claude-opus-4-1", "low", 3000, {"type": "enabled", "budget_tokens": 1500}),
        ("claude-3-7-sonnet-latest", "low", 2000, None),
    ],
)
def test_how_hard_to_think_is_said_as_the_model_takes_it(
    model: str, think: Any, max_tokens: int | None, thinking: Any
) -> None:
    asked = body(prompt(max_tokens=max_tokens), model_id=model, think=think)
    assert asked.get("thinking") == thinking
    assert asked.get("output_config") == ({"effort": "high"} if think == "high" else None)


def test_effort_and_schema_stand_side_by_side() -> None:
    asked = body(prompt(output=OutputSchema("City", {"type": "string"})), model_id="claude-opus-5", think="low")
    assert asked["output_config"].keys() == {"effort", "format"}
