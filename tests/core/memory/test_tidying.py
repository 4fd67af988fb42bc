import asyncio
import sqlite3
from pathlib import Path

import pytest
from harness.memories import forget, remember
from harness.peer import TIME_LIMIT

from agentrouted.core.memory import tidying
from agentrouted.core.memory.index import merge_parts
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database
from agentrouted_protocol.memory import MemoryRecallParams, MemoryRememberParams


def _parts(connection: sqlite3.Connection) -> int:
    [count] = connection.execute("SELECT COUNT(DISTINCT segid) FROM memory_index_idx").fetchone()
    return int(count)


def _fill_the_disk(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA max_page_count = 1")


def _merge_or_make_room(connection: sqlite3.Connection) -> bool:
    try:
        return merge_parts(connection)
    except sqlite3.OperationalError:
        connection.execute("PRAGMA max_page_count = 1000000")
        raise


async def test_the_parts_of_the_index_are_merged_when_no_more_is_added(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "memory.db")
    store = Store(database)
    for number in range(40):
        await store.remember(MemoryRememberParams(text=f"the plant number {number} wants water"))
    before = await database.read(_parts)

    async with asyncio.timeout(60):
        while await database.read(_parts) > 2:
            pass

    assert before > 2
    hits = await store.recall(MemoryRecallParams(query="plant 17"))
    assert hits[0].text == "the plant number 17 wants water"
    await store.aclose()


async def test_it_is_tried_again_when_the_disk_was_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "_AGAIN", 0.01)
    monkeypatch.setattr(tidying, "merge_parts", _merge_or_make_room)
    database = await Database.open(tmp_path / "memory.db")
    store = Store(database)
    for number in range(40):
        text = " ".join(f"word{number * 300 + word}" for word in range(300))
        await store.remember(MemoryRememberParams(text=text))
    await database.write(_fill_the_disk)
    before = await database.read(_parts)

    async with asyncio.timeout(60):
        while await database.read(_parts) == before:
            pass

    await store.aclose()


async def test_the_end_waits_only_a_moment_for_what_was_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "clean_index", lambda _: True)
    store = Store(await Database.open(tmp_path / "memory.db"))
    await remember(store, "likes tea", key="drink")
    await forget(store, key="drink")
    async with asyncio.timeout(TIME_LIMIT):
        await store.aclose()
