"""The file of a memory: made, shared, opened again."""

import asyncio
import gc
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agentrouted import ErrorAgent, MemorySQLite, Message

# As files were made before there were sessions, and an index that follows by itself.
OLD = """
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, role TEXT NOT NULL, content TEXT, tool_calls TEXT,
    tool_call_id TEXT, name TEXT);
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE VIRTUAL TABLE facts_fts USING fts5(key, value);
INSERT INTO messages (role, content) VALUES ('user', 'Hi');
INSERT INTO facts VALUES ('colour', 'my favourite colour is blue');
INSERT INTO facts_fts VALUES ('colour', 'my favourite colour is blue');
"""


def execute(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


async def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    first = MemorySQLite(tmp_path / "memory.db")
    await first.remember("name", "Ada")
    await first.add_messages([Message("user", "Hi")])
    await first.close()
    second = MemorySQLite(str(tmp_path / "memory.db"))
    assert (await second.recall("ada"), await second.get_messages()) == (["Ada"], [Message("user", "Hi")])
    await second.close()


async def test_the_file_is_made_when_it_is_first_used(tmp_path: Path) -> None:
    memory = MemorySQLite(tmp_path / "new" / "memory.db")
    assert not (tmp_path / "new").exists()
    assert await memory.recall("") == []
    assert (tmp_path / "new" / "memory.db").is_file()
    await memory.close()


async def test_a_closed_memory_opens_again(tmp_path: Path) -> None:
    memory = MemorySQLite(tmp_path / "memory.db")
    await memory.close()
    await memory.remember("name", "Ada")
    await memory.close()
    await memory.close()
    assert await memory.recall("") == ["Ada"]
    await memory.close()


async def test_a_file_of_an_earlier_time_is_taken_over(tmp_path: Path) -> None:
    execute(tmp_path / "old.db", OLD)
    memory = MemorySQLite(tmp_path / "old.db")
    assert await memory.get_messages() == [Message("user", "Hi")]
    assert await memory.recall("favourite") == ["my favourite colour is blue"]
    message = Message("user", "Hello", reasoning="Hm.", signed={"wire": "w"})
    await memory.add_messages([message], session_id="s")
    assert await memory.get_messages(session_id="s") == [message]
    await memory.close()


async def test_what_another_program_writes_is_found(tmp_path: Path) -> None:
    memory = MemorySQLite(tmp_path / "memory.db")
    await memory.remember("a", "one thing")
    insert = "INSERT INTO facts (key, value) VALUES ('b', 'another thing')"
    execute(tmp_path / "memory.db", f"{insert}; UPDATE facts SET value = 'changed' WHERE key = 'a'")
    assert [await memory.recall(query) for query in ("another", "one", "changed")] == [
        ["another thing"],
        [],
        ["changed"],
    ]
    await memory.close()


async def test_facts_are_found_after_a_vacuum(tmp_path: Path) -> None:
    memory = MemorySQLite(tmp_path / "memory.db")
    for number in range(5):
        await memory.remember(f"k{number}", f"fact number {number}")
    await memory.forget("k1")
    await memory.close()
    execute(tmp_path / "memory.db", "VACUUM")
    await memory.remember("k4", "the last fact")
    assert await memory.recall("3 fact") == ["fact number 3"]
    assert await memory.recall("last") == ["the last fact"]
    await memory.close()


async def test_two_memories_share_one_file(tmp_path: Path) -> None:
    memories = [MemorySQLite(tmp_path / "memory.db") for _ in range(4)]
    writing = [memory.remember(f"{place}.{n}", "x") for place, memory in enumerate(memories) for n in range(20)]
    await asyncio.gather(*writing)
    assert len(await memories[0].recall("", 100)) == 80
    for memory in memories:
        await memory.close()


def test_a_memory_that_nobody_holds_is_closed(tmp_path: Path) -> None:
    memory = MemorySQLite(tmp_path / "memory.db")
    asyncio.run(memory.remember("a", "b"))
    del memory
    # A connection that is left open is a ResourceWarning, and warnings fail; the log goes with the last connection.
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == ["memory.db"]


@pytest.mark.parametrize("content", [b"this is no database, whatever it is called" * 30, None])
async def test_a_file_that_cannot_be_used_is_told_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(content) if content else path.mkdir()
    with pytest.raises(ErrorAgent, match=str(path)) as caught:
        await MemorySQLite(path).remember("a", "b")
    assert caught.value.kind == "storage"
