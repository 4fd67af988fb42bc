"""Events of a run, as they come."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from agentrouted import Agent, ErrorAgent, Event, tool
from agentrouted.testing import ScriptedModel
from agentrouted.testing.upstream import Reply, Upstream


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@tool
def add(a: int, b: int) -> int:
    return a + b


async def test_what_happens_is_told_in_order() -> None:
    async with Upstream([Reply.tool_call("add", {"a": 1, "b": 2}), Reply.text("It is 3.")]) as upstream:
        stream = Agent("a", model=f"{upstream.url}/m", tools=[add]).stream("Hi")
        events = [event async for event in stream]
    assert [event.kind for event in events] == [
        "agent_start",
        *("model_call_start", "tool_call_start", "tool_call_arguments", "model_call_end", "tool_call_end"),
        *("model_call_start", "text_delta", "model_call_end", "agent_end"),
    ]
    assert [event.seq for event in events] == list(range(1, 11))
    assert (events[5].name, events[5].arguments, events[5].content) == ("add", {"a": 1, "b": 2}, "3")
    assert events[-1].usage == stream.result.usage
    assert (str(stream.result), {event.run_id for event in events}) == ("It is 3.", {stream.result.run_id})


async def test_text_comes_before_the_reply_is_whole() -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text("Hel", gate, "lo")]) as upstream:
        texts = []
        async for event in Agent("a", model=f"{upstream.url}/m").stream("Hi"):
            if event.kind == "text_delta":
                texts.append(event.text)
                gate.set()
    assert texts == ["Hel", "lo"]


async def test_a_failure_is_raised_after_the_last_event() -> None:
    kinds = []
    async with Upstream([Reply.status(401)]) as upstream:
        stream = Agent("a", model=f"{upstream.url}/m").stream("Hi")
        with pytest.raises(ErrorAgent):
            async for event in stream:
                kinds.append(event.kind)
    assert kinds[-1] == "agent_end"
    with pytest.raises(RuntimeError, match="no result yet"):
        _ = stream.result


async def test_whoever_stops_reading_ends_the_run() -> None:
    async with Upstream([Reply.text("Hello", asyncio.Event())]) as upstream:
        async with Agent("a", model=f"{upstream.url}/m").stream("Hi") as stream:
            async for event in stream:
                if event.kind == "text_delta":
                    break
        await upstream.requests[0].closed_early.wait()


async def test_a_stream_that_is_dropped_ends_the_run(no_garbage_collection: None) -> None:
    async with Upstream([Reply.text("Hello", asyncio.Event())]) as upstream:
        async for event in Agent("a", model=f"{upstream.url}/m").stream("Hi"):
            if event.kind == "text_delta":
                break
        await upstream.requests[0].closed_early.wait()


async def test_a_stream_that_is_never_read_never_runs() -> None:
    model = ScriptedModel()
    stream = Agent("a", model=model).stream("Hi")
    stream.cancel()
    await stream.aclose()
    assert model.requests == []


async def test_a_run_that_is_cancelled_has_a_result() -> None:
    async with Upstream([Reply.text("Hello", asyncio.Event())]) as upstream:
        stream = Agent("a", model=f"{upstream.url}/m").stream("Hi")
        async for event in stream:
            if event.kind == "text_delta":
                stream.cancel()
    assert (stream.result.text, stream.result.stop_reason, stream.result.interrupted) == ("Hello", "cancelled", True)


def test_an_event_has_its_fields_as_attributes() -> None:
    event = Event("text_delta", {"text": "Hi"})
    assert (event.text, event == Event(kind="text_delta", data={"text": "Hi"})) == ("Hi", True)
    with pytest.raises(AttributeError, match="an event `text_delta` has no `name`"):
        _ = event.name
