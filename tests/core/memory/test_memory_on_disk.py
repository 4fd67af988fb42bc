"""Memory that outlives its process, and forgets without a trace."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest
from harness.memories import forget, found, listed, remember, says
from harness.peer import TIME_LIMIT

from agentrouted.core.errors import Storage
from agentrouted.core.memory.opening import SharedStore
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.schema import SCRIPTS
from agentrouted.core.storage.shared import SharedDatabase
from agentrouted_protocol.scope import Scope

LUSAKA = Scope(workspace="lusaka")
TESTS = Path(__file__).parents[2]

WRITER = """
import asyncio, sys
from pathlib import Path
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.schema import SCRIPTS
from harness.memories import remember, says

async def main():
    store = Store(await Database.open(Path(sys.argv[1])))
    for n in range(int(sys.argv[3])):
        await remember(store, f"fact {n} of {sys.argv[2]}", key=f"{sys.argv[2]} {n}")
        await store.add_messages("shared", [says(f"{sys.argv[2]} says {n}")])
        print(n, flush=True)
    await store.aclose()

asyncio.run(main())
"""


def bytes_of(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


async def writer(path: Path, name: str, count: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), name, str(count), stdout=asyncio.subprocess.PIPE, cwd=TESTS
    )


async def test_what_was_remembered_is_there_after_a_restart(tmp_path: Path) -> None:
    for expected in ([], ["likes tea"]):
        store = Store(await Database.open(tmp_path / "m.db"))
        assert await found(store, "tea") == expected
        await remember(store, "likes tea")
        await store.aclose()


async def test_what_several_processes_write_is_all_there(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    writers = [await writer(path, f"writer{n}", 25) for n in range(3)]
    async with asyncio.timeout(TIME_LIMIT):
        for process in writers:
            await process.communicate()
    store = Store(await Database.open(path))
    assert len(await listed(store, limit=1000)) == len(await store.get_messages("shared")) == 75
    assert await found(store, "fact 7 of writer2", kinds=["fact"], limit=1) == ["fact 7 of writer2"]
    await store.aclose()


async def test_what_a_killed_process_was_told_is_kept_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    process = await writer(path, "writer", 100_000)
    assert process.stdout is not None
    async with asyncio.timeout(TIME_LIMIT):
        for _ in range(20):
            last = await process.stdout.readline()
    process.kill()
    await process.wait()
    store = Store(await Database.open(path))
    facts = await listed(store, limit=1000)
    assert len(facts) > int(last) and len(facts) - len(await store.get_messages("shared")) in (0, 1)
    assert (await found(store, f"fact {len(facts) - 1}", kinds=["fact"]))[0] == facts[0]
    await store.aclose()
    check = sqlite3.connect(path)
    check.execute("INSERT INTO memory_index (memory_index, rank) VALUES ('integrity-check', 1)")
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


@pytest.mark.parametrize("version", [len(SCRIPTS) - 1, len(SCRIPTS)])
async def test_a_search_begins_in_few_places_though_each_fact_is_written_by_itself(
    tmp_path: Path, version: int
) -> None:
    await (await Database.open(tmp_path / "a.db", SCRIPTS[:version])).aclose()
    database = await Database.open(tmp_path / "a.db")
    store = Store(database)
    for number in range(15):
        await remember(store, f"fact {number}")
    parts = "SELECT COUNT(DISTINCT segid) FROM memory_index_idx"
    assert await database.read(lambda connection: connection.execute(parts).fetchone()[0]) < 5
    assert len(await found(store, "fact", limit=15)) == 15
    await store.aclose()


async def test_what_is_forgotten_leaves_no_word_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    store = Store(await Database.open(path))
    await remember(store, "hides in Zanzibar", scope=LUSAKA, key="mombasa", tags=["nairobi"])
    await store.add_messages("dodoma", [says("meet me in Zanzibar"), says("or in Kampala")], LUSAKA)
    for number in range(300):
        await remember(store, f"filler {number}")
    assert await forget(store, scope=LUSAKA) == 3
    await store.aclose()
    other = sqlite3.connect(path)
    other.execute("VACUUM")
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    for word in (b"zanzibar", b"mombasa", b"nairobi", b"dodoma", b"kampala", b"lusaka"):
        assert word not in bytes_of(path).lower()


async def test_where_no_file_can_be_made_it_is_kept_in_memory_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "no folder" / "m.db"
    path.parent.write_text("a file")
    shared = SharedStore(SharedDatabase(path))
    store = await shared.get()
    await remember(store, "likes tea")
    assert await found(store, "tea") == ["likes tea"]
    assert "in memory only" in caplog.text and str(path) in caplog.text
    await shared.aclose()


async def test_a_file_that_cannot_be_used_is_an_error_and_what_is_said_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(b"this is no database" * 100)
    shared = SharedStore(SharedDatabase(path))
    for _ in range(2):
        with pytest.raises(Storage, match="damaged"):
            await shared.get()
    await shared.aclose()
    assert path.read_bytes() == b"this is no database" * 100
