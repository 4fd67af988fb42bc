"""Models that users have written, read as they come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentrouted import Agent, LLMChunk, LLMRequest, LLMResponse, tool
from agentrouted.testing import ScriptedModel


class Whole:
    async def complete(self, request: LLMRequest) -> LLMResponse:
        return LLMResponse("whole", usage={"prompt_tokens": 3, "completion_tokens": 1})


async def test_a_stream_of_the_users_model_is_heard_as_it_comes() -> None:
    gate = asyncio.Event()

    class Model(Whole):
        async def complete_stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
            yield LLMChunk(delta="Hel")
            await gate.wait()
            yield LLMChunk(delta="lo")
            yield LLMChunk(done=True, usage={"prompt_tokens": 7, "completion_tokens": 2})

    texts = []
    stream = Agent("a", model=Model()).stream("Hi")
    async for event in stream:
        if event.kind == "text_delta":
            texts.append(event.text)
            gate.set()
    assert (texts, str(stream.result)) == (["Hel", "lo"], "Hello")
    assert (stream.result.usage.input_tokens, stream.result.usage.output_tokens) == (7, 2)


@pytest.mark.parametrize("with_ids", [True, False])
async def test_calls_are_put_together_of_their_pieces(with_ids: bool) -> None:
    @tool
    def add(a: int, b: int) -> int:
        return a + b

    def piece(number: int, **function: str) -> LLMChunk:
        return LLMChunk(tool_call_delta={"function": function} | ({"id": f"c{number}"} if with_ids else {}))

    class Model(Whole):
        async def complete_stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
            if len(request.messages) > 1:
                yield LLMChunk(delta=" and ".join(str(message.content) for message in request.messages[-2:]))
                return
            for number, start in enumerate(('{"a": 1', '{"a": 5')):
                yield piece(number, name="add")
                yield piece(number, arguments=start)
                yield piece(number, arguments=', "b": 2}')
            yield LLMChunk(done=True)

    stream = Agent("a", model=Model(), tools=[add]).stream("Hi")
    kinds = [event.kind async for event in stream]
    assert str(stream.result) == "3 and 7" and kinds.count("tool_call_arguments") == 4


class Unwritten(Whole):
    def complete_stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        raise NotImplementedError


class Silent(Whole):
    async def complete_stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        return
        yield


@pytest.mark.parametrize("model", [Whole(), Unwritten(), Silent()])
async def test_a_model_without_a_stream_is_asked_for_the_whole(model: Any) -> None:
    stream = Agent("a", model=model).stream("Hi")
    texts = [event.text async for event in stream if event.kind == "text_delta"]
    assert (texts, stream.result.usage.input_tokens) == (["whole"], 3)


async def test_without_a_reader_the_whole_is_asked_for() -> None:
    class Model(Whole):
        async def complete_stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
            raise AssertionError
            yield

    assert str(await Agent("a", model=Model()).arun("Hi")) == "whole"


async def test_whoever_stops_reading_ends_the_users_stream() -> None:
    ended = asyncio.Event()

    class Model(Whole):
        async def complete_stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
            try:
                yield LLMChunk(delta="Hel")
                await asyncio.Event().wait()
            finally:
                ended.set()

    async with Agent("a", model=Model()).stream("Hi") as stream:
        async for event in stream:
            if event.kind == "text_delta":
                break
    async with asyncio.timeout(5):
        await ended.wait()


async def test_a_fault_of_the_users_stream_is_raised_as_it_is() -> None:
    class Model(Whole):
        async def complete_stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
            yield LLMChunk(delta="Hel")
            raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        async for _ in Agent("a", model=Model()).stream("Hi"):
            pass


async def test_a_scripted_model_costs_the_same_when_it_is_streamed() -> None:
    stream = Agent("a", model=ScriptedModel(["Hello"])).stream("Hi")
    async for _ in stream:
        pass
    assert stream.result.usage == (await Agent("a", model=ScriptedModel(["Hello"])).arun("Hi")).usage
