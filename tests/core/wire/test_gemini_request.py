"""The body of a request for Gemini's own format."""

import json
from typing import Any

import pytest
from harness.wire import endpoint, prompt

from agentrouted.core.wire.base import ANY_TOOL, ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.gemini_request import gemini_body
from agentrouted_protocol.messages import (
    FilePart,
    ImagePart,
    Message,
    Part,
    SignedBlock,
    SignedReasoning,
    TextPart,
    ToolCall,
)
from agentrouted_protocol.runs import Sampling

WIRE = "gemini_generate_content"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def body(request: ModelRequest, **changes: Any) -> dict[str, Any]:
    changes = {"wire": WIRE, "provider": "google", "model_id": "gemini-2.0-flash", **changes}
    document: dict[str, Any] = json.loads(gemini_body(endpoint("http://models.example", **changes), request))
    return document


def contents(*messages: Message, **changes: Any) -> Any:
    return body(prompt(messages=messages), **changes)["contents"]


def test_a_plain_prompt_is_one_turn() -> None:
    assert body(prompt("Hi")) == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def test_instructions_stand_apart() -> None:
    asked = body(prompt(messages=[Message(role="system", content="Be brief."), Message(role="user", content="Hi")]))
    assert asked["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert [content["role"] for content in asked["contents"]] == ["user"]


def test_sampling_and_limits_have_their_names() -> None:
    every = Sampling(
        temperature=0.5, top_p=0.9, top_k=4, frequency_penalty=0.1, presence_penalty=0.2, seed=7, stop=["END"]
    )
    assert body(prompt(sampling=every, max_tokens=9))["generationConfig"] == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 4,
        "frequencyPenalty": 0.1,
        "presencePenalty": 0.2,
        "seed": 7,
        "stopSequences": ["END"],
        "maxOutputTokens": 9,
    }


def test_tools_are_declared_and_one_without_parameters_has_none() -> None:
    tools = [ToolSpec("go", "Goes.", CITY), ToolSpec("now", "Tells the time.", {"type": "object", "properties": {}})]
    assert body(prompt(tools=tools))["tools"] == [
        {
            "functionDeclarations": [
                {"name": "go", "description": "Goes.", "parameters": CITY},
                {"name": "now", "description": "Tells the time."},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("must_call", "config"), [("go", {"mode": "ANY", "allowedFunctionNames": ["go"]}), (ANY_TOOL, {"mode": "ANY"})]
)
def test_a_tool_that_has_to_be_called_is_named(must_call: str, config: dict[str, Any]) -> None:
    request = prompt(tools=[ToolSpec("go", "Goes.", CITY)], must_call=must_call)
    assert body(request)["toolConfig"] == {"functionCallingConfig": config}
    assert "toolConfig" not in body(prompt(tools=request.tools))


def test_a_schema_for_the_reply_is_sent_as_it_is_understood() -> None:
    strict = {**CITY, "additionalProperties": False, "title": "City"}
    assert body(prompt(output=OutputSchema("City", strict)))["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseSchema": CITY,
    }


def test_images_and_files_are_parts_of_what_the_user_says() -> None:
    parts: list[Part] = [
        TextPart(text="look"),
        TextPart(text=""),
        ImagePart(data="QUJD", mime_type="image/jpeg"),
        ImagePart(url="data:image/png;base64,REVG"),
        FilePart(url="https://x/files/1", mime_type="application/pdf"),
        ImagePart(url="https://x/a.png"),
    ]
    assert contents(Message(role="user", content=parts)) == [
        {
            "role": "user",
            "parts": [
                {"text": "look"},
                {"inlineData": {"mimeType": "image/jpeg", "data": "QUJD"}},
                {"inlineData": {"mimeType": "image/png", "data": "REVG"}},
                {"fileData": {"fileUri": "https://x/files/1", "mimeType": "application/pdf"}},
                {"fileData": {"fileUri": "https://x/a.png"}},
            ],
        }
    ]


CALLS = [ToolCall(id="c1", name="go", arguments={"city": "Oslo"}), ToolCall(id="c2", name="now")]
RESULTS = [Message(role="tool", content="gone", tool_call_id="c1", name="go"),
           Message(role="tool", content="Error: no clock", tool_call_id="c2")]  # fmt: skip


def test_calls_and_their_results_are_a_turn_each() -> None:
    asked = Message(role="assistant", content="Let me see.", reasoning="plan", tool_calls=CALLS)
    assert contents(asked, *RESULTS, Message(role="user", content="And?")) == [
        {
            "role": "model",
            "parts": [
                {"text": "Let me see."},
                {"functionCall": {"id": "c1", "name": "go", "args": {"city": "Oslo"}}},
                {"functionCall": {"id": "c2", "name": "now", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "c1", "name": "go", "response": {"output": "gone"}}},
                {"functionResponse": {"id": "c2", "name": "now", "response": {"error": "Error: no clock"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "And?"}]},
    ]


def signed_call(at: int = 0, **origin: str) -> Message:
    origin = {"wire": WIRE, "provider": "google", "model_id": "gemini-3-pro", **origin}
    blocks = [SignedBlock(at=at, block={"thoughtSignature": "c2ln"})]
    return Message(role="assistant", tool_calls=CALLS, signed=SignedReasoning(blocks=blocks, **origin))


@pytest.mark.parametrize(
    ("message", "model", "signatures"),
    [
        (signed_call(), "gemini-3-pro", ["c2ln", None]),
        (signed_call(1), "gemini-3-pro", ["skip_thought_signature_validator", "c2ln"]),
        (signed_call(7), "gemini-3-pro", ["skip_thought_signature_validator", None]),
        (signed_call(wire="anthropic_messages"), "gemini-3-pro", ["skip_thought_signature_validator", None]),
        (Message(role="assistant", tool_calls=CALLS), "gemini-3-pro", ["skip_thought_signature_validator", None]),
        (Message(role="assistant", tool_calls=CALLS), "gemini-2.5-pro", [None, None]),
    ],
)
def test_signatures_go_back_to_the_model_that_wrote_them(
    message: Message, model: str, signatures: list[str | None]
) -> None:
    [turn] = contents(message, model_id=model)
    assert [part.get("thoughtSignature") for part in turn["parts"]] == signatures


@pytest.mark.parametrize(
    ("model", "think", "config"),
    [
        ("gemini-2.5-pro", None, {"includeThoughts": True}),
        ("gemini-3-pro-preview", None, {"includeThoughts": True}),
        ("gemini-2.5-flash-lite", None, None),
        ("gemini-2.5-flash-image", None, None),
        ("gemini-2.0-flash", None, None),
        ("gemma-3-27b", None, None),
        ("gemini-2.5-flash", False, {"includeThoughts": False, "thinkingBudget": 0}),
        ("gemini-2.5-flash", True, {"includeThoughts": True, "thinkingBudget": -1}),
        ("gemini-2.5-pro", "low", {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-3-pro", "high", {"includeThoughts": True, "thinkingLevel": "high"}),
        ("gemini-3-flash", False, {"includeThoughts": False, "thinkingLevel": "minimal"}),
        ("gemini-3-pro", True, {"includeThoughts": True}),
    ],
)
def test_how_hard_it_thinks_is_said_in_its_own_words(model: str, think: Any, config: Any) -> None:
    generation = body(prompt(), model_id=model, think=think).get("generationConfig", {})
    assert generation.get("thinkingConfig") == config
