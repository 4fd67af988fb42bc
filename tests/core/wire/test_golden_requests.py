"""One conversation with everything in it, as each format has it: files to read, and to compare with."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.wire import endpoint

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import InvalidParams
from agentrouted.core.wire.anthropic_request import anthropic_body
from agentrouted.core.wire.base import ModelRequest, OutputSchema, ToolSpec
from agentrouted.core.wire.chat_request import chat_body
from agentrouted.core.wire.formats import FORMATS
from agentrouted.core.wire.gemini_request import gemini_body
from agentrouted.core.wire.ollama_request import ollama_body
from agentrouted.core.wire.responses_request import responses_body
from agentrouted_protocol.messages import FilePart, ImagePart, Message, Part, TextPart
from agentrouted_protocol.runs import Sampling

GOLDEN = Path(__file__).parent / "golden"
BODIES = {
    "chat_completions": chat_body,
    "openai_responses": responses_body,
    "anthropic_messages": anthropic_body,
    "ollama_chat": lambda endpoint, request: ollama_body(endpoint, request, None),
    "gemini_generate_content": gemini_body,
}
MODELS = {"anthropic_messages": "claude-sonnet-4-6", "gemini_generate_content": "gemini-2.5-flash"}


def asked(wire: str) -> ModelRequest:
    conversation = json.loads((GOLDEN / "conversation.json").read_text())
    messages = [Message.model_validate(each) for each in conversation["messages"]]
    if wire == "ollama_chat":
        messages = [_without_what_ollama_refuses(message) for message in messages]
    return ModelRequest(
        messages=messages,
        tools=[ToolSpec(**tool) for tool in conversation["tools"]],
        output=OutputSchema(**conversation["output"]),
        sampling=Sampling(**conversation["sampling"]),
        max_tokens=conversation["maxTokens"],
    )


def _without_what_ollama_refuses(message: Message) -> Message:
    if isinstance(message.content, str):
        return message
    kept: list[Part] = [
        part
        for part in message.content
        if isinstance(part, TextPart) or (part.data and part.mime_type != "application/pdf")
    ]
    return message.model_copy(update={"content": kept})


def at(wire: str) -> Endpoint:
    return endpoint("https://models.example/v1", wire=wire, model_id=MODELS.get(wire, "big-model"))


def test_there_is_one_for_each_format() -> None:
    assert set(BODIES) == set(FORMATS)
    assert {file.stem for file in GOLDEN.glob("*.json")} == {*FORMATS, "conversation"}


@pytest.mark.parametrize("wire", BODIES)
def test_the_request_is_the_golden_one(wire: str) -> None:
    written = json.loads(BODIES[wire](at(wire), asked(wire)))
    assert written == json.loads((GOLDEN / f"{wire}.json").read_text())


PDF, SOUND, TEXT = "application/pdf", "audio/wav", "text/plain"
TAKEN: dict[tuple[str, str], Any] = {
    ("chat_completions", PDF): "file_data",
    ("chat_completions", SOUND): "input_audio",
    ("openai_responses", PDF): "file_data",
    ("openai_responses", SOUND): None,
    ("anthropic_messages", PDF): "document",
    ("anthropic_messages", SOUND): None,
    ("ollama_chat", PDF): None,
    ("ollama_chat", SOUND): None,
    ("gemini_generate_content", PDF): "inlineData",
    ("gemini_generate_content", SOUND): "inlineData",
}


@pytest.mark.parametrize(("wire", "mime_type"), TAKEN)
@pytest.mark.parametrize("as_url", [False, True])
def test_a_file_is_sent_or_refused_before_anything_is(wire: str, mime_type: str, as_url: bool) -> None:
    file = FilePart(data="QUJD", mime_type=mime_type, name="a")
    if as_url:
        file = FilePart(url=f"data:{mime_type};base64,QUJD", name="a")
    request = ModelRequest(messages=[Message(role="user", content=[file])])
    word = TAKEN[wire, mime_type]
    if word is None:
        with pytest.raises(InvalidParams) as refused:
            BODIES[wire](at(wire), request)
        assert mime_type in refused.value.message
        assert refused.value.hint
    else:
        assert word in BODIES[wire](at(wire), request).decode()


@pytest.mark.parametrize("wire", BODIES)
def test_text_in_a_file_is_text_also_in_a_plain_url(wire: str) -> None:
    for file in (FilePart(url="data:text/plain,Gr%C3%BC%C3%9Fe"), FilePart(data="R3LDvMOfZQ==", mime_type=TEXT)):
        sent = BODIES[wire](at(wire), ModelRequest(messages=[Message(role="user", content=[file])])).decode()
        assert "Grüße" in sent or "R3LDvMOfZQ==" in sent


@pytest.mark.parametrize("wire", BODIES)
@pytest.mark.parametrize("part", [ImagePart(), FilePart(mime_type=PDF), ImagePart(url="")])
def test_a_part_that_holds_nothing_is_refused(wire: str, part: Part) -> None:
    with pytest.raises(InvalidParams, match="holds nothing"):
        BODIES[wire](at(wire), ModelRequest(messages=[Message(role="user", content=[part])]))
