"""The body of a request for a chat completion."""

import json
from typing import Any

import pytest
from harness.wire import endpoint, prompt

from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.chat_request import chat_body
from agentrouted_protocol.messages import FilePart, ImagePart, Message, TextPart, ToolCall
from agentrouted_protocol.runs import Sampling


def body(request: ModelRequest, **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(chat_body(endpoint("http://models.example/v1", **changes), request))
    return document


def sent(message: Message, **changes: Any) -> Any:
    return body(prompt(messages=[message]), **changes)["messages"][0]


def test_a_plain_prompt_is_streamed_with_its_usage() -> None:
    assert body(prompt("Hi")) == {
        "model": "big-model",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_sampling_and_limits_have_their_names() -> None:
    every = Sampling(
        temperature=0.5, top_p=0.9, top_k=4, frequency_penalty=0.1, presence_penalty=0.2, seed=7, stop=["END"]
    )
    asked = body(prompt(sampling=every, max_tokens=9))
    assert {**every.model_dump(exclude_none=True), "max_tokens": 9}.items() <= asked.items()


def test_tools_are_functions() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number"}}}
    asked = body(prompt(tools=[ToolSpec("add", "Adds.", schema)]))
    assert asked["tools"] == [
        {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": schema}}
    ]


NAMED = {"type": "function", "function": {"name": "add"}}


@pytest.mark.parametrize(
    ("provider", "must_call", "choice"),
    [
        ("acme", "add", NAMED),
        ("acme", ANY_TOOL, "required"),
        ("mistral", "add", NAMED),
        ("mistral", ANY_TOOL, "required"),
        ("ollama", "add", NAMED),
        ("vllm", "add", NAMED),
        ("lm_studio", "add", "required"),
        ("llamacpp", "add", "required"),
        ("local", "add", "required"),
    ],
)
def test_a_tool_that_has_to_be_called_is_named_where_that_is_understood(
    provider: str, must_call: str, choice: Any
) -> None:
    request = prompt(tools=[ToolSpec("add", "Adds.", {"type": "object"})], must_call=must_call)
    assert body(request, provider=provider)["tool_choice"] == choice
    assert body(prompt(tools=request.tools), provider=provider)["tool_choice"] == "auto"


@pytest.mark.parametrize("strict", [True, False])
def test_a_schema_for_the_reply_is_sent_with_its_name(strict: bool) -> None:
    schema = {"type": "object", "properties": {}}
    assert body(prompt(output=OutputSchema("City", schema, strict)))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "City", "schema": schema, "strict": strict},
    }
    assert "response_format" not in body(prompt())


def test_images_and_files_are_parts_of_what_the_user_says() -> None:
    parts = [
        TextPart(text="look"),
        ImagePart(url="https://x/a.png"),
        ImagePart(data="QUJD", mime_type="image/jpeg"),
        FilePart(data="QUJD", mime_type="application/pdf", name="a.pdf"),
    ]
    assert sent(Message(role="user", content=parts))["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,QUJD"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
    ]


@pytest.mark.parametrize("role", ["system", "assistant", "tool"])
def test_elsewhere_parts_become_text(role: Any) -> None:
    message = Message(role=role, content=[TextPart(text="a"), ImagePart(data="QUJD"), TextPart(text="b")])
    assert sent(message)["content"] == "a\n[image]\nb"


def test_calls_and_their_results_are_sent_as_they_were() -> None:
    asked = Message(role="assistant", tool_calls=[ToolCall(id="c1", name="add", arguments={"a": 1})])
    assert sent(asked) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}],
    }
    told = Message(role="tool", content="3", tool_call_id="c1", name="add")
    assert sent(told) == {"role": "tool", "content": "3", "tool_call_id": "c1", "name": "add"}


def test_text_beside_calls_is_kept() -> None:
    message = Message(role="assistant", content="Let me see.", tool_calls=[ToolCall(id="c1", name="add")])
    assert sent(message)["content"] == "Let me see."


@pytest.mark.parametrize(
    ("provider", "model_id"), [("deepseek", "deepseek-chat"), ("openrouter", "deepseek/x"), ("acme", "Kimi-K2")]
)
def test_reasoning_goes_back_with_calls_where_it_is_required(provider: str, model_id: str) -> None:
    message = Message(role="assistant", reasoning="plan", tool_calls=[ToolCall(id="c1", name="add")])
    assert sent(message, provider=provider, model_id=model_id)["reasoning_content"] == "plan"
    assert "reasoning_content" not in sent(message)
    assert "reasoning_content" not in sent(Message(role="assistant", reasoning="plan"), provider=provider)


def test_vendors_get_their_own_names_and_nothing_they_refuse() -> None:
    request = prompt(max_tokens=9, sampling=Sampling(seed=7))
    assert body(request, provider="openai")["max_completion_tokens"] == 9
    assert "max_tokens" not in body(request, provider="openai")
    mistral = body(request, provider="mistral")
    assert mistral["random_seed"] == 7
    assert mistral.keys().isdisjoint({"seed", "stream_options"})


def test_numbers_that_json_does_not_know_are_null() -> None:
    asked = Message(role="assistant", tool_calls=[ToolCall(id="c1", name="add", arguments={"a": float("nan")})])
    assert sent(asked)["tool_calls"][0]["function"]["arguments"] == '{"a":null}'
