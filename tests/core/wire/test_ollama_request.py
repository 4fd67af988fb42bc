"""The body of a request for Ollama's own format."""

import json
from typing import Any

import pytest
from harness.wire import endpoint, prompt

from agentrouted.core.errors import InvalidParams
from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.ollama_request import ollama_body
from agentrouted_protocol.messages import FilePart, ImagePart, Message, Part, TextPart, ToolCall
from agentrouted_protocol.runs import Sampling


def body(request: ModelRequest, num_ctx: int | None = None, **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ollama_body(endpoint("http://here/v1", **changes), request, num_ctx))
    return document


def sent(message: Message) -> Any:
    return body(prompt(messages=[message]))["messages"][0]


def test_a_plain_prompt_is_streamed_and_never_cut_unseen() -> None:
    assert body(prompt("Hi")) == {
        "model": "big-model",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "truncate": False,
        "options": {},
    }


def test_sampling_and_limits_are_options() -> None:
    every = Sampling(
        temperature=0.5, top_p=0.9, top_k=4, frequency_penalty=0.1, presence_penalty=0.2, seed=7, stop=["END"]
    )
    asked = body(prompt(sampling=every, max_tokens=9), num_ctx=8192)
    assert asked["options"] == {**every.model_dump(exclude_none=True), "num_predict": 9, "num_ctx": 8192}


@pytest.mark.parametrize(("name", "value"), [("think", False), ("think", "high"), ("keep_alive", "30m"),
                                             ("keep_alive", -1), ("keep_alive", 0)])  # fmt: skip
def test_what_the_config_says_of_the_model_is_sent(name: str, value: Any) -> None:
    assert body(prompt(), **{name: value})[name] == value
    assert name not in body(prompt())


def test_tools_are_functions_without_references() -> None:
    place = {"type": "object", "properties": {"city": {"type": "string"}}}
    schema = {"type": "object", "properties": {"at": {"$ref": "#/$defs/Place"}}, "$defs": {"Place": place}}
    asked = body(prompt(tools=[ToolSpec("go", "Goes.", schema)], must_call=ANY_TOOL))
    parameters = {"type": "object", "properties": {"at": place}}
    assert asked["tools"] == [
        {"type": "function", "function": {"name": "go", "description": "Goes.", "parameters": parameters}}
    ]
    assert "tool_choice" not in asked


def test_a_schema_for_the_reply_is_its_format() -> None:
    schema = {"type": "object", "properties": {}}
    assert body(prompt(output=OutputSchema("City", schema)))["format"] == schema


def test_images_stand_beside_the_text() -> None:
    parts: list[Part] = [
        TextPart(text="look"),
        ImagePart(data="QUJD", mime_type="image/jpeg"),
        ImagePart(url="data:image/png;base64,REVG"),
        FilePart(data="R0hJ", mime_type="image/webp"),
        TextPart(text="well"),
    ]
    assert sent(Message(role="user", content=parts)) == {
        "role": "user",
        "content": "look\nwell",
        "images": ["QUJD", "REVG", "R0hJ"],
    }


@pytest.mark.parametrize(
    "part", [ImagePart(url="https://x/a.png"), FilePart(data="QUJD", mime_type="application/pdf"), FilePart(data="QQ")]
)
def test_what_it_cannot_take_is_an_error_that_says_so(part: ImagePart | FilePart) -> None:
    with pytest.raises(InvalidParams) as caught:
        sent(Message(role="user", content=[part]))
    assert caught.value.hint


def test_calls_have_objects_and_results_the_name_of_their_tool() -> None:
    call = ToolCall(id="c1", name="add", arguments={"a": 1})
    asked = Message(role="assistant", content="Let me see.", reasoning="plan", tool_calls=[call])
    assert sent(asked) == {
        "role": "assistant",
        "content": "Let me see.",
        "thinking": "plan",
        "tool_calls": [{"id": "c1", "function": {"name": "add", "arguments": {"a": 1}}}],
    }
    told = Message(role="tool", content="3", tool_call_id="c1", name="add")
    assert sent(told) == {"role": "tool", "content": "3", "tool_name": "add", "tool_call_id": "c1"}


def test_thoughts_without_calls_stay_here() -> None:
    assert sent(Message(role="assistant", content="3", reasoning="plan")) == {"role": "assistant", "content": "3"}


def test_numbers_that_json_does_not_know_are_null() -> None:
    asked = Message(role="assistant", tool_calls=[ToolCall(id="c1", name="add", arguments={"a": float("nan")})])
    assert sent(asked)["tool_calls"][0]["function"]["arguments"] == {"a": None}
