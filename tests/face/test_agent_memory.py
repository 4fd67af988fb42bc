"""Conversations that go on, and what of them is sent."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from agentrouted import (
    Agent,
    HistorySlidingWindow,
    HistorySummarize,
    HistoryTruncate,
    LLMRequest,
    Memory,
    MemorySQLite,
    Message,
    resolve_model,
)
from agentrouted.face.memory import AnyMemory
from agentrouted.testing import ScriptedModel
from agentrouted.testing.upstream import Reply, Upstream


class City(BaseModel):
    name: str


def said(request: LLMRequest) -> list[Any]:
    return [message.content for message in request.messages]


@pytest.mark.parametrize("make", [lambda path: Memory(), lambda path: MemorySQLite(path / "memory.db")])
async def test_a_conversation_goes_on_where_it_was(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    memory = make(tmp_path)
    model = ScriptedModel([[("look", {})], "One.", "Two."])
    agent = Agent("a", model=model, instructions="Be brief.", memory=memory)

    @agent.tool
    def look() -> str:
        return "seen"

    await agent.arun("Hi")
    result = await agent.arun("And?")
    assert said(model.requests[-1]) == ["Be brief.", "Hi", None, "seen", "One.", "And?"]
    assert [message.role for message in await memory.get_messages()] == [
        *("user", "assistant", "tool", "assistant"),
        *("user", "assistant"),
    ]
    assert [message["role"] for message in result.messages][:2] == ["system", "user"]
    await memory.close()


def test_a_memory_serves_a_program_without_an_event_loop(tmp_path: Path) -> None:
    memory = MemorySQLite(tmp_path / "memory.db")
    agent = Agent("a", model=ScriptedModel(["One.", "Two."]), memory=memory)
    agent.run("Hi")
    assert [message["content"] for message in agent.run("And?").messages] == ["Hi", "One.", "And?", "Two."]
    asyncio.run(memory.close())


async def test_a_run_that_fails_leaves_nothing_behind() -> None:
    memory = Memory()
    with pytest.raises(RuntimeError):
        await Agent("a", model=ScriptedModel([RuntimeError()]), memory=memory).arun("Hi")
    assert await memory.get_messages() == []


async def test_a_run_that_is_cancelled_is_stored_and_marked() -> None:
    memory = Memory()
    never = asyncio.Event()
    async with Upstream([Reply.text("Hello", never)]) as upstream:
        agent = Agent("a", model=f"{upstream.url}/m", memory=memory)
        stream = agent.stream("Hi")
        async for event in stream:
            if event.kind == "text_delta":
                stream.cancel()
    assert stream.result.interrupted
    assert await memory.get_messages() == [Message("user", "Hi"), Message("assistant", "Hello\n[interrupted]")]


async def test_whoever_cancels_before_a_word_was_said_finds_the_prompt() -> None:
    memory = Memory()
    async with Upstream([Reply.silence()]) as upstream:
        running = asyncio.create_task(Agent("a", model=f"{upstream.url}/m", memory=memory).arun("Hi"))
        await upstream.received()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert await memory.get_messages() == [Message("user", "Hi"), Message("assistant", "[interrupted]")]


async def test_a_structured_answer_is_stored_as_a_call_with_its_result() -> None:
    memory = Memory()
    model = ScriptedModel([[("_return_structured_output", {"name": "Bern"})]])
    await Agent("a", model=model, output=City, memory=memory).arun("Hi")
    stored = await memory.get_messages()
    assert [message.role for message in stored] == ["user", "assistant", "tool"]
    assert (stored[2].content, stored[2].tool_call_id) == ("ok", "call_1")


async def test_sessions_of_one_memory_are_kept_apart() -> None:
    model = ScriptedModel()
    agent = Agent("a", model=model, memory=Memory())
    for session in ("one", "two", "one"):
        await agent.arun(f"in {session}", session_id=session)
    assert said(model.requests[-1]) == ["in one", "Hello world", "in one"]


async def test_a_memory_of_ones_own_is_asked_on_the_callers_loop() -> None:
    class Mine(Memory):
        loops: set[Any] = set()

        async def get_messages(self, limit: int | None = None, **more: Any) -> list[Message]:
            self.loops.add(asyncio.get_running_loop())
            return [Message("user", "before"), Message("assistant", "and then")]

    memory: AnyMemory = Mine()
    model = ScriptedModel()
    await Agent("a", model=model, memory=memory).arun("Hi")
    assert said(model.requests[0]) == ["before", "and then", "Hi"]
    assert Mine.loops == {asyncio.get_running_loop()}


@pytest.mark.parametrize("history", [HistorySlidingWindow(2), HistoryTruncate(4)])
async def test_a_history_shortens_what_is_sent_and_not_what_is_kept(history: Any) -> None:
    memory, model = Memory(), ScriptedModel(["one", "two", "three", "four"])
    agent = Agent("a", model=model, memory=memory, history=history)
    for number in range(4):
        result = await agent.arun(f"q{number}")
    assert said(model.requests[-1]) == ["q2", "three", "q3"]
    assert len(await memory.get_messages()) == len(result.messages) == 8


async def test_a_history_of_ones_own_decides_what_is_sent() -> None:
    class LastOnly:
        async def compact(self, messages: list[Message], token_budget: int | None = None) -> list[Message]:
            return messages[-1:]

    model = ScriptedModel()
    agent = Agent("a", model=model, memory=Memory(), history=LastOnly())
    await agent.arun("Hi")
    await agent.arun("And?")
    assert said(model.requests[-1]) == ["And?"]


async def test_a_summary_is_written_once_and_counted() -> None:
    writer = ScriptedModel(["All of it.", "More of it."])
    model = ScriptedModel(["one", "two", "three"])
    agent = Agent("a", model=model, memory=Memory(), history=HistorySummarize(writer, keep_recent=1))
    results = [await agent.arun(f"q{number}") for number in range(3)]
    assert said(model.requests[-1]) == ["Conversation summary so far:\nMore of it.", "q2"]
    assert [result.usage.model_calls for result in results] == [1, 2, 2]


async def test_a_summary_of_a_model_at_a_server_is_counted() -> None:
    async with Upstream([Reply.text("All of it.")]) as upstream:
        history = HistorySummarize(resolve_model(f"{upstream.url}/m"), keep_recent=1)
        agent = Agent("a", model=ScriptedModel(), memory=Memory(), history=history)
        await agent.arun("Hi")
        assert (await agent.arun("And?")).usage.model_calls == 2


async def test_a_summary_without_a_model_is_the_users_mistake() -> None:
    agent = Agent("a", model=ScriptedModel(), history=HistorySummarize())
    with pytest.raises(RuntimeError, match="requires a model"):
        await agent.arun("Hi")
