"""The body of a request for one of OpenAI's responses."""

import json
from typing import Any

import pytest
from harness.wire import endpoint, prompt

from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.responses_request import responses_body
from agentrouted.core.wire.signed import signed_by
from agentrouted_protocol.messages import FilePart, ImagePart, Message, SignedBlock, TextPart, ToolCall
from agentrouted_protocol.runs import Sampling

HERE: dict[str, Any] = {"wire": "openai_responses"}


def body(request: ModelRequest, **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        responses_body(endpoint("http://models.example/v1", **HERE | changes), request)
    )
    return document


def sent(*messages: Message, **changes: Any) -> Any:
    return body(prompt(messages=messages), **changes)["input"]


def test_a_plain_prompt_is_streamed_and_not_stored() -> None:
    assert body(prompt("Hi")) == {
        "model": "big-model",
        "input": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "store": False,
    }


def test_a_whole_conversation() -> None:
    conversation = [
        Message(role="system", content="Be brief."),
        Message(role="system", content="In French."),
        Message(role="user", content="1 + 2?"),
        Message(role="assistant", content="Let me see.", tool_calls=[ToolCall(id="a", name="add", arguments={"a": 1})]),
        Message(role="tool", tool_call_id="a", name="add", content="3"),
        Message(role="system", content="Now in German."),
        Message(role="assistant", content="", tool_calls=[ToolCall(id="b", name="add")]),
    ]
    asked = body(prompt(messages=conversation))
    assert asked["instructions"] == "Be brief.\n\nIn French."
    assert asked["input"] == [
        {"role": "user", "content": "1 + 2?"},
        {"role": "assistant", "content": "Let me see."},
        {"type": "function_call", "call_id": "a", "name": "add", "arguments": '{"a": 1}'},
        {"type": "function_call_output", "call_id": "a", "output": "3"},
        {"role": "system", "content": "Now in German."},
        {"type": "function_call", "call_id": "b", "name": "add", "arguments": "{}"},
    ]


def test_images_and_files_are_parts_also_in_results_of_tools() -> None:
    parts = [
        TextPart(text="look"),
        ImagePart(url="https://x/a.png"),
        ImagePart(data="QUJD", mime_type="image/jpeg"),
        FilePart(data="QUJD", mime_type="application/pdf", name="a.pdf"),
        FilePart(url="data:text/csv;base64,QUJD"),
        FilePart(url="https://x/a.pdf"),
    ]
    written = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "https://x/a.png", "detail": "auto"},
        {"type": "input_image", "image_url": "data:image/jpeg;base64,QUJD", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"},
        {"type": "input_text", "text": "ABC"},
        {"type": "input_file", "file_url": "https://x/a.pdf"},
    ]
    said, told = sent(Message(role="user", content=parts), Message(role="tool", tool_call_id="a", content=parts))
    assert said["content"] == told["output"] == written


def test_encrypted_reasoning_stands_where_it_stood() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    signed = signed_by(endpoint("", **HERE), [SignedBlock(at=1, block=thought)])
    said = Message(role="assistant", content="So.", signed=signed, tool_calls=[ToolCall(id="a", name="add")])
    assert [item.get("type") for item in sent(said)] == [None, "reasoning", "function_call"]
    assert [item.get("type") for item in sent(said, model_id="another")] == [None, "function_call"]


def test_sampling_has_its_names_and_nothing_that_is_refused() -> None:
    every = Sampling(
        temperature=0.5, top_p=0.9, top_k=4, frequency_penalty=0.1, presence_penalty=0.2, seed=7, stop=["END"]
    )
    asked = body(prompt(sampling=every, max_tokens=9))
    assert asked == body(prompt()) | {"temperature": 0.5, "top_p": 0.9, "max_output_tokens": 9}


def test_tools_are_not_strict() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number"}}}
    asked = body(prompt(tools=[ToolSpec("add", "Adds.", schema)]))
    assert asked["tools"] == [
        {"type": "function", "name": "add", "description": "Adds.", "strict": False, "parameters": schema}
    ]
    assert "tool_choice" not in asked


@pytest.mark.parametrize(
    ("must_call", "choice"), [("add", {"type": "function", "name": "add"}), (ANY_TOOL, "required")]
)
def test_a_tool_may_have_to_be_called(must_call: str, choice: Any) -> None:
    assert body(prompt(must_call=must_call))["tool_choice"] == choice


@pytest.mark.parametrize("strict", [True, False])
def test_a_schema_for_the_reply_is_sent_with_its_name(strict: bool) -> None:
    schema = {"type": "object", "properties": {}}
    assert body(prompt(output=OutputSchema("City", schema, strict)))["text"] == {
        "format": {"type": "json_schema", "name": "City", "schema": schema, "strict": strict}
    }


@pytest.mark.parametrize(
    ("think", "reasoning"),
    [
        (None, None),
        (False, {"effort": "none"}),
        (True, {"summary": "auto"}),
        ("high", {"effort": "high", "summary": "auto"}),
    ],
)
def test_how_hard_to_think_is_said_if_the_config_says_it(think: Any, reasoning: Any) -> None:
    asked = body(prompt(), think=think)
    assert (asked.get("reasoning"), "include" in asked) == (reasoning, bool(think))
