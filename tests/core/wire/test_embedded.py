"""The wire, with the embedded engine at its end."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.wire import prompt

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.local.engine import Engines
from agentrouted.core.wire.base import ModelReply, TextChunk, ToolSpec
from agentrouted.core.wire.formats import FORMATS
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.models import list_models
from agentrouted_protocol.messages import FilePart, Message, TextPart, ToolCall
from agentrouted_protocol.runs import Sampling, Think

pytestmark = pytest.mark.model

in_each_format = pytest.mark.parametrize("wire", ["chat_completions", "openai_responses", "anthropic_messages"])


@pytest.fixture
async def smol(demo_model: Path) -> AsyncIterator[Endpoint]:
    with tempfile.TemporaryDirectory() as folder:
        engines = Engines(Path(folder) / "engines")
        engine = await engines.open(demo_model)
        yield Endpoint(
            "local", "smollm2-135m", "http://localhost/v1", "chat_completions", local=True,
            api_key=engine.api_key, socket_path=engine.socket_path,
        )  # fmt: skip
        await engines.aclose()


@in_each_format
async def test_a_real_model_answers_word_by_word(http: HttpClient, smol: Endpoint, wire: str) -> None:
    smol = replace(smol, wire=wire)
    request = prompt("Say hello.", max_tokens=12, sampling=Sampling(temperature=0, seed=1))
    async with aclosing(FORMATS[smol.wire](http).stream(smol, request)) as stream:
        *parts, reply = [chunk async for batch in stream for chunk in batch]
    assert isinstance(reply, ModelReply)
    assert len([part for part in parts if isinstance(part, TextChunk)]) > 2
    assert reply.text
    assert 0 < reply.usage.output_tokens <= 12
    assert (reply.usage.estimated, reply.usage.total_cost_usd, reply.usage.cost_source) == (False, 0.0, "local")


@in_each_format
async def test_a_real_model_takes_a_transcript_with_calls(http: HttpClient, smol: Endpoint, wire: str) -> None:
    smol = replace(smol, wire=wire)
    messages = [
        Message(role="system", content="Be brief."),
        Message(role="user", content="What is 1 + 2?"),
        Message(role="assistant", tool_calls=[ToolCall(id="c1", name="add", arguments={"a": 1, "b": 2})]),
        Message(role="tool", content="3", tool_call_id="c1", name="add"),
    ]
    tools = [ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "number"}}})]
    request = prompt(messages=messages, tools=tools, max_tokens=8, sampling=Sampling(temperature=0))
    async with aclosing(FORMATS[smol.wire](http).stream(smol, request)) as stream:
        reply = [chunk async for batch in stream for chunk in batch][-1]
    assert isinstance(reply, ModelReply)
    assert reply.usage.input_tokens > 10


@in_each_format
@pytest.mark.parametrize("think", [True, False, "low"])
async def test_a_real_server_takes_a_file_of_text_and_a_word_on_thinking(
    http: HttpClient, smol: Endpoint, wire: str, think: Think
) -> None:
    file = FilePart(data="SGVsbG8=", mime_type="text/plain", name="a.txt")
    request = prompt(
        messages=[Message(role="user", content=[TextPart(text="Say it again."), file])],
        max_tokens=4,
        sampling=Sampling(temperature=0, think=think),
    )
    async with aclosing(FORMATS[wire](http).stream(replace(smol, wire=wire), request)) as stream:
        reply = [chunk async for batch in stream for chunk in batch][-1]
    assert isinstance(reply, ModelReply)
    assert reply.usage.output_tokens > 0


async def test_a_prompt_that_is_too_long_for_a_real_model_is_told(http: HttpClient, smol: Endpoint) -> None:
    request = prompt("word " * 20_000, max_tokens=1)
    with pytest.raises(Exception) as caught:
        async for _ in FORMATS[smol.wire](http).stream(smol, request):
            pass
    assert getattr(caught.value, "kind", None) == "contextOverflow"


async def test_a_real_server_lists_its_model(http: HttpClient, smol: Endpoint) -> None:
    assert len(await list_models(http, smol)) == 1


async def test_one_request_right_after_the_other_is_answered(http: HttpClient, smol: Endpoint) -> None:
    request = prompt("Say hello.", max_tokens=2)
    for _ in range(4):
        async with aclosing(FORMATS[smol.wire](http).stream(smol, request)) as stream:
            reply = [chunk async for batch in stream for chunk in batch][-1]
        assert isinstance(reply, ModelReply)
