"""What an older version has indexed by other words."""

import sqlite3
from contextlib import closing
from pathlib import Path

from harness.memories import found, says

from agentrouted.core.memory.reindexing import index_anew
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database


async def test_a_message_is_found_by_what_stands_before_it_now(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    store = Store(await Database.open(path))
    await store.add_messages("s", [says("where is parseHeader?"), says("in the attic", role="assistant")])
    await store.aclose()
    with closing(sqlite3.connect(path)) as file:
        with file:
            file.execute("UPDATE memories SET around = 'zebra' WHERE text = 'in the attic'")
            file.execute("INSERT INTO memory_index (memory_index) VALUES ('rebuild')")
        assert [index_anew(file) for _ in range(2)] == [1, 0]
        file.execute("INSERT INTO memory_index (memory_index, rank) VALUES ('integrity-check', 1)")
    store = Store(await Database.open(path))
    assert await found(store, "zebra") == []
    assert sorted(await found(store, "header")) == ["in the attic", "where is parseHeader?"]
    await store.aclose()
