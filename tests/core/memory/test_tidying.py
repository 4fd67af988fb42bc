import asyncio
import sqlite3
from pathlib import Path

from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database
from agentrouted_protocol.memory import MemoryRecallParams, MemoryRememberParams


def _parts(connection: sqlite3.Connection) -> int:
    [count] = connection.execute("SELECT COUNT(DISTINCT segid) FROM memory_index_idx").fetchone()
    return int(count)


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
