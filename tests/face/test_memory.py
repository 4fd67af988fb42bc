"""What every memory of the Python face does."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentrouted import Memory, MemorySQLite, Message
from agentrouted.face.memory import AnyMemory

AnyOfOurs = Memory | MemorySQLite
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}


@pytest.fixture(params=["volatile", "file"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyOfOurs]:
    memory = Memory() if request.param == "volatile" else MemorySQLite(tmp_path / "deep" / "memory.db")
    yield memory
    asyncio.run(memory.close())


async def test_messages_come_back_in_the_order_they_came(memory: AnyOfOurs) -> None:
    messages = [
        Message("user", "Hi"),
        Message("assistant", None, [CALL], reasoning="Hm."),
        Message("tool", "3", None, "c1", "add"),
        Message("user", [{"type": "text", "text": "Look"}]),
        Message("assistant", ""),
    ]
    await memory.add_messages(messages[:2])
    await memory.add_messages(messages[2:])
    assert await memory.get_messages() == messages
    assert await memory.get_messages(2) == messages[-2:]
    assert await memory.get_messages(limit=99) == messages


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_of_nothing_gives_nothing(memory: AnyOfOurs, limit: int) -> None:
    await memory.add_messages([Message("user", "Hi")])
    assert await memory.get_messages(limit) == []


async def test_a_conversation_can_be_forgotten(memory: AnyOfOurs) -> None:
    await memory.add_messages([Message("user", "Hi")])
    await memory.remember("name", "Ada")
    await memory.clear_messages()
    assert (await memory.get_messages(), await memory.recall("")) == ([], ["Ada"])


async def test_sessions_are_kept_apart(memory: AnyOfOurs) -> None:
    await memory.add_messages([Message("user", "nobody's")])
    await memory.add_messages([Message("user", "one's")], session_id="one")
    await memory.clear_messages(session_id="two")
    assert await memory.get_messages() == [Message("user", "nobody's")]
    assert await memory.get_messages(session_id="one") == [Message("user", "one's")]


async def test_the_last_value_of_a_key_holds_and_keeps_its_place(memory: AnyOfOurs) -> None:
    await memory.remember("fruit", "apple")
    await memory.remember("colour", "blue")
    await memory.remember("fruit", "pear")
    assert await memory.recall("") == ["pear", "blue"]
    assert await memory.recall("apple") == []


async def test_what_is_forgotten_is_not_found(memory: AnyOfOurs) -> None:
    await memory.remember("fruit", "red apple")
    await memory.forget("fruit")
    await memory.forget("never there")
    assert [await memory.recall(query) for query in ("", "apple", "appl", "a red one")] == [[], [], [], []]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("pie", ["cherry pie"]),
        ("PIE", ["cherry pie"]),
        ("pear tart", ["Pear tart"]),
        ("Which PIE do I like?", ["cherry pie"]),
        ("sert", ["Pear tart"]),
        ("cafÉ", ["at the Café"]),
        ("  ", ["Pear tart", "cherry pie", "at the Café"]),
        ("nothing of it", []),
    ],
)
async def test_facts_are_found_by_words_and_parts_of_words(memory: AnyOfOurs, query: str, found: list[str]) -> None:
    await memory.remember("dessert", "Pear tart")
    await memory.remember("dinner", "cherry pie")
    await memory.remember("place", "at the Café")
    assert await memory.recall(query) == found


async def test_of_the_facts_with_some_of_the_words_the_best_comes_first(memory: AnyOfOurs) -> None:
    await memory.remember("a", "the colour of the sea")
    await memory.remember("b", "my favourite colour is green")
    assert await memory.recall("What is my favourite colour?") == [
        "my favourite colour is green",
        "the colour of the sea",
    ]


async def test_no_more_than_the_limit_is_found(memory: AnyOfOurs) -> None:
    for number in range(12):
        await memory.remember(f"key {number}", f"value {number}")
    assert len(await memory.recall("value")) == 10
    assert await memory.recall("value", limit=2) == ["value 0", "value 1"]
    assert await memory.recall("", 1) == ["value 0"]
    assert await memory.recall("value", 0) == []


@pytest.mark.parametrize(
    "query",
    [
        *('"', "'", "*", "(", ")", "NEAR(", "a OR", "AND", "NOT", "key:x", "^a", "-x", "a*", "%", "_", ";--", "\0"),
        *("a\0b", "😀", "\ud800", "日本語", "word " * 200_000, "x" * 1_000_000),
    ],
)
async def test_no_query_is_an_error(memory: AnyOfOurs, query: str) -> None:
    await memory.remember("key", f"<{query}>")
    await memory.remember("other", "something else")
    assert len(await memory.recall(query, limit=1)) == 1


async def test_a_hundred_tasks_at_once_lose_nothing(memory: AnyOfOurs) -> None:
    await asyncio.gather(*(memory.remember(f"k{number}", str(number)) for number in range(100)))
    assert len(await memory.recall("", 1000)) == 100


def test_it_serves_any_thread_and_any_event_loop(memory: AnyOfOurs) -> None:
    async def write(name: int) -> None:
        for number in range(20):
            await memory.add_messages([Message("user", f"{name}.{number}")])

    threads = [threading.Thread(target=lambda name=name: asyncio.run(write(name))) for name in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    contents = [message.content for message in asyncio.run(memory.get_messages())]
    assert len(contents) == 100
    assert [each for each in contents if str(each).startswith("3.")] == [f"3.{number}" for number in range(20)]


def test_ours_are_memories_as_agents_take_them(memory: AnyOfOurs) -> None:
    assert isinstance(memory, AnyMemory)
