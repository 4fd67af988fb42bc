"""One database file: its writer, its reader, its versions."""

import asyncio
import contextlib
import os
import resource
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from harness.peer import TIME_LIMIT

from agentrouted.core.errors import Storage
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.long_work import is_under_way, long_work

FIRST = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE);\n"
SECOND = """
-- A trigger has statements within; its columns are text; so is this.
CREATE TRIGGER shout AFTER INSERT ON notes WHEN NEW.text != upper(NEW.text) BEGIN
    UPDATE notes SET text = upper(NEW.text) WHERE id = NEW.id;
    SELECT 1;
END;
CREATE TABLE tags (note INTEGER REFERENCES notes (id));
"""
BROKEN = "CREATE TABLE more (id INTEGER);\nCREATE TABLE more (id INTEGER);\n"

# Writes until it is killed, and says what has been committed.
WRITER = f"""
import asyncio, sys
from pathlib import Path
from agentrouted.core.storage.database import Database

def add(text):
    return lambda connection: [connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))] and None

async def main():
    database = await Database.open(Path(sys.argv[1]), [{FIRST!r}])
    for n in range(int(sys.argv[3])):
        await asyncio.gather(*(database.write(add(f"{{sys.argv[2]}} {{n}} {{i}}")) for i in range(20)))
        print(n, flush=True)
    await database.aclose()

asyncio.run(main())
"""

FORGETFUL = f"""
import asyncio, sys
from pathlib import Path
from agentrouted.core.storage.database import Database

async def main():
    database = await Database.open(Path(sys.argv[1]), [{FIRST!r}])
    await database.write(lambda connection: connection.execute("INSERT INTO notes (text) VALUES ('kept')") and None)
    sys.exit(3)

asyncio.run(main())
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "notes.db", [FIRST])
    yield database
    await database.aclose()


def add(text: str) -> Callable[[sqlite3.Connection], None]:
    def operation(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))

    return operation


def texts(connection: sqlite3.Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY id")]


async def test_what_was_written_is_read(database: Database) -> None:
    await database.write(add("a"))
    assert await database.read(texts) == ["a"]


async def test_a_write_returns_what_its_operation_does(database: Database) -> None:
    assert await database.write(lambda connection: texts(connection) or "none") == "none"


async def test_writes_keep_their_order_and_share_a_transaction(database: Database) -> None:
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    await database.write(lambda connection: connection.set_trace_callback(count))
    await asyncio.gather(*(database.write(add(f"{n}")) for n in range(1000)))
    assert await database.read(texts) == [f"{n}" for n in range(1000)]
    # The commit of the first write is traced, too.
    assert commits == 2


async def test_an_operation_that_fails_fails_alone(database: Database) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        add("never")(connection)
        raise LookupError

    writes = [add("a"), fail, add("b"), add("a"), add("c")]
    outcomes = await asyncio.gather(*map(database.write, writes), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), LookupError, type(None), Storage, type(None)]
    assert await database.read(texts) == ["a", "b", "c"]


async def test_a_post_is_not_waited_for_but_flush_is(database: Database) -> None:
    database.post(add("a"))
    database.post(add("b"))
    await database.flush()
    assert await database.read(texts) == ["a", "b"]


async def test_a_post_that_fails_is_told_in_the_log(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.post(add("a"))
    database.post(add("a"))
    await database.flush()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_whoever_stops_waiting_does_not_undo_the_write(database: Database) -> None:
    database.write(add("a")).cancel()
    await database.write(add("b"))
    assert await database.read(texts) == ["a", "b"]


async def test_a_reader_sees_one_moment_and_cannot_write(database: Database) -> None:
    def look_twice(connection: sqlite3.Connection) -> tuple[list[str], list[str]]:
        before = texts(connection)
        asyncio.run_coroutine_threadsafe(written(), loop).result()
        return before, texts(connection)

    async def written() -> None:
        await database.write(add("a"))

    loop = asyncio.get_running_loop()
    assert await database.read(look_twice) == ([], [])
    with pytest.raises(Storage):
        await database.read(add("b"))
    assert await database.read(texts) == ["a"]


async def test_closing_waits_for_what_was_written_before(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "notes.db", [FIRST])
    last = [database.write(add(f"{n}")) for n in range(100)]
    await database.aclose()
    await database.aclose()
    assert all(write.done() and write.exception() is None for write in last)
    for use in (database.write(add("late")), database.read(texts)):
        with pytest.raises(Storage):
            await use


async def test_the_file_and_new_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "newer" / "notes.db"
    database = await Database.open(path, [FIRST])
    await database.write(add("a"))
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    await database.aclose()


async def test_an_older_file_is_copied_and_migrated(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    database = await Database.open(path, [FIRST])
    await database.write(add("old"))
    await database.aclose()
    database = await Database.open(path, [FIRST, SECOND])
    await database.write(add("new"))
    assert await database.read(texts) == ["old", "NEW"]
    await database.aclose()
    copy = tmp_path / "notes.db.version-1"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert texts(connection) == ["old"]


async def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    await (await Database.open(path, [FIRST])).aclose()
    with pytest.raises(Storage):
        await Database.open(path, [FIRST, BROKEN])
    database = await Database.open(path, [FIRST])
    assert await database.read(lambda c: c.execute("PRAGMA user_version").fetchone()) == (1,)
    await database.aclose()


async def test_a_newer_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    await (await Database.open(path, [FIRST, SECOND])).aclose()
    before = path.read_bytes()
    with pytest.raises(Storage) as refused:
        await Database.open(path, [FIRST])
    assert refused.value.hint
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("Dear diary, " * 1000)
    with pytest.raises(Storage) as refused:
        await Database.open(path, [FIRST])
    assert refused.value.hint
    assert path.read_text() == "Dear diary, " * 1000


async def test_damage_that_is_found_later_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    database = await Database.open(path, [FIRST])
    await database.write(lambda c: [add(f"{n} " * 100)(c) for n in range(500)] and None)
    await database.aclose()
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 30)
    database = await Database.open(path, [FIRST])
    with pytest.raises(Storage):
        await database.read(texts)
    await database.aclose()


async def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Storage):
        await Database.open(tmp_path / "file" / "notes.db", [FIRST])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Storage) as refused:
        await Database.open(tmp_path / "notes.db", [FIRST])
    assert refused.value.hint
    tmp_path.chmod(0o700)


async def test_after_a_full_disk_writes_work_again(database: Database) -> None:
    await database.write(add("before"))
    usual, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
    try:
        with pytest.raises(Storage):
            await database.write(add("x" * 1_000_000))
        await database.write(add("small"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (usual, most))
    await database.write(add("x" * 1_000_000))
    assert [len(text) for text in await database.read(texts)] == [6, 5, 1_000_000]


async def test_a_file_with_no_room_left_says_so(database: Database) -> None:
    def limit(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 10")

    await database.write(limit)
    outcomes = await asyncio.gather(
        *(database.write(add(f"{n}" * size)) for n, size in enumerate((1, 90_000, 1))), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), Storage, type(None)]
    assert isinstance(outcomes[1], Storage) and "full" in outcomes[1].message


async def test_a_file_that_another_program_has_locked_fails_all_that_wait_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentrouted.core.storage.connections.PATIENCE", 0.01)
    path = tmp_path / "notes.db"
    database = await Database.open(path, [FIRST])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = await asyncio.gather(*(database.write(add(f"{n}")) for n in range(50)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Storage}
        other.execute("ROLLBACK")
    await database.write(add("free"))
    assert await database.read(texts) == ["free"]
    await database.aclose()


async def test_writers_wait_for_long_work_on_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrouted.core.storage.connections.PATIENCE", 0.01)
    path, loop, tried = tmp_path / "notes.db", asyncio.get_running_loop(), asyncio.Event()
    database = await Database.open(path, [FIRST])

    def count(statement: str, tries: list[str] = []) -> None:  # noqa: B006 - it counts
        tries.append(statement)
        if tries.count("BEGIN IMMEDIATE") == 3:
            loop.call_soon_threadsafe(tried.set)

    await database.write(lambda connection: connection.set_trace_callback(count))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        with long_work(path), pytest.raises(Storage), long_work(path):
            pass
        with long_work(path):
            other.execute("BEGIN IMMEDIATE")
            writing = database.write(add("patient"))
            await tried.wait()
            other.execute("ROLLBACK")
            await writing
    assert await database.read(texts) == ["patient"] and not is_under_way(path)
    await database.aclose()


async def test_a_process_that_forgets_to_close_ends_all_the_same(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", FORGETFUL, tmp_path / "notes.db")
    try:
        async with asyncio.timeout(TIME_LIMIT):
            assert await process.wait() == 3
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    database = await Database.open(tmp_path / "notes.db", [FIRST])
    assert await database.read(texts) == ["kept"]
    await database.aclose()


async def spawn(path: Path, name: str, rounds: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, path, name, str(rounds), stdout=asyncio.subprocess.PIPE
    )


async def test_processes_that_open_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    writers = await asyncio.gather(*(spawn(path, name, 10) for name in "abcd"))
    await asyncio.gather(*(writer.communicate() for writer in writers))
    assert [writer.returncode for writer in writers] == [0] * 4
    database = await Database.open(path, [FIRST])
    assert len(await database.read(texts)) == 4 * 10 * 20
    await database.aclose()


async def test_a_writer_that_is_killed_loses_nothing_committed_and_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    killed, other = await asyncio.gather(spawn(path, "killed", 100_000), spawn(path, "other", 50))
    assert killed.stdout
    said = [int(await killed.stdout.readline()) for _ in range(20)]
    killed.kill()
    said += [int(line) for line in (await killed.stdout.read()).splitlines()]
    await killed.wait()
    await other.communicate()
    assert other.returncode == 0
    database = await Database.open(path, [FIRST])
    kept = await database.read(texts)
    assert {f"killed {n} {i}" for n in said for i in range(20)} <= set(kept)
    assert {f"other {n} {i}" for n in range(50) for i in range(20)} <= set(kept)
    assert await database.read(lambda c: c.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
    await database.aclose()
