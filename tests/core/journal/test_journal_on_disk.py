"""Runs that outlive their process, and how many are kept."""

import asyncio
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from harness.journals import a_run_that_ended, event, events_from, record, says
from harness.peer import TIME_LIMIT

from agentrouted.core.config.journal import JournalSettings
from agentrouted.core.errors import Conflict, Storage
from agentrouted.core.journal.base import Journal, Step
from agentrouted.core.journal.common import Retention
from agentrouted.core.journal.opening import open_journal
from agentrouted.core.journal.sqlite import SqliteJournal
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.owner import Owner
from agentrouted_protocol.messages import Message

DAYS = 86400
# Compression makes no less than half of it.
LARGE = Random(0).randbytes(300_000).hex()
TESTS = Path(__file__).parents[2]

# A run that says after each step how far it is on disk, and then lives on.
RUN = """
import asyncio, sys
from pathlib import Path
from agentrouted.core.config.journal import JournalSettings
from agentrouted.core.journal.base import Step
from agentrouted.core.journal.opening import open_journal
from harness.journals import event, events_from, record, says

async def main():
    journal = await open_journal(Path(sys.argv[1]), JournalSettings())
    await journal.begin(record())
    print("begun", flush=True)
    for turn in range(3):
        journal.write("a", events_from(10 * turn + 1, 10 * turn + 9))
        step = Step(events=[event(10 * turn + 10)], messages=[(turn, says(f"turn {turn}"))], calls_begun=[f"c{turn}"])
        journal.write("a", step)
        await journal.flush("a")
        print(turn, flush=True)
    journal.write("a", events_from(31, 39))
    print("unflushed", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""

# Beside runs that are killed in the middle of writing.
BUSY = """
import asyncio, sys
from pathlib import Path
from agentrouted.core.config.journal import JournalSettings
from agentrouted.core.journal.opening import open_journal
from harness.journals import a_run_that_ended

async def main():
    journal = await open_journal(Path(sys.argv[1]), JournalSettings())
    for n in range(int(sys.argv[3])):
        await asyncio.gather(*(a_run_that_ended(journal, f"{sys.argv[2]} {n} {i}") for i in range(10)))
        print(n, flush=True)
    await journal.aclose()

asyncio.run(main())
"""


async def child(script: str, *arguments: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *map(str, arguments), stdout=asyncio.subprocess.PIPE, cwd=TESTS
    )


async def child_at(path: Path, place: str) -> asyncio.subprocess.Process:
    """A process whose run has come so far."""
    process = await child(RUN, path)
    assert process.stdout
    while (await process.stdout.readline()).decode().strip() != place:
        assert process.returncode is None
    return process


@asynccontextmanager
async def opened(path: Path, settings: JournalSettings | None = None) -> AsyncIterator[Journal]:
    journal = await open_journal(path, settings or JournalSettings())
    assert journal.reason is None
    try:
        yield journal
    finally:
        await journal.aclose()


@asynccontextmanager
async def bounded(path: Path, max_bytes: int) -> AsyncIterator[tuple[SqliteJournal, Database]]:
    database = await Database.open(path)
    journal = await SqliteJournal.open(database, Retention(7 * DAYS, max_bytes))
    try:
        yield journal, database
    finally:
        await journal.aclose()


async def ids(journal: Journal) -> list[str]:
    page = await journal.page(status=None, session_id=None, limit=1000, cursor=None)
    return [run.record.run_id for run in page.runs]


async def count(database: Database, table: str) -> int:
    found: tuple[int] = await database.read(lambda c: c.execute(f"SELECT COUNT(*) FROM {table}").fetchone())
    return found[0]


@pytest.mark.parametrize("place", ["begun", "0", "1", "2", "unflushed"])
async def test_what_was_flushed_outlives_a_kill(tmp_path: Path, place: str) -> None:
    path = tmp_path / "journal.db"
    process = await child_at(path, place)
    process.kill()
    await process.wait()
    steps = {"begun": 0, "unflushed": 3}.get(place) if not place.isdecimal() else int(place) + 1
    assert steps is not None
    async with opened(path) as journal:
        run = await journal.load("a")
        assert run and run.status == "interrupted"
        # It went on for a moment after it said where it was.
        assert len(run.messages) >= steps
        assert [*run.messages] == [(10 * turn + 10, says(f"turn {turn}")) for turn in range(len(run.messages))]
        assert run.calls_begun == {f"c{turn}" for turn in range(len(run.messages))}
        assert run.last_seq >= 10 * steps
        assert await journal.events("a", 0) == [event(seq)[1] for seq in range(1, run.last_seq + 1)]


async def test_a_run_of_another_process_runs_until_that_process_ends(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    process = await child_at(path, "0")
    async with opened(path) as journal:
        run = await journal.load("a")
        assert run and run.status == "running"
        with pytest.raises(Conflict):
            await journal.reopen("a")
        process.kill()
        await process.wait()
        page = await journal.page(status="interrupted", session_id=None, limit=9, cursor=None)
        assert [run.record.run_id for run in page.runs] == ["a"]


async def test_what_a_closed_journal_left_running_is_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.begin(record())
        journal.write("a", events_from(1, 3))
    async with opened(path) as journal:
        run = await journal.load("a")
        assert run and (run.status, run.last_seq) == ("interrupted", 3)


async def test_of_many_who_reopen_a_run_one_has_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.begin(record())
    journals = [await open_journal(path, JournalSettings()) for _ in range(5)]
    outcomes = await asyncio.gather(*(journal.reopen("a") for journal in journals), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 4 + ["NoneType"]
    winner = journals[outcomes.index(None)]
    winner.write("a", events_from(1, 2))
    await winner.end("a", "completed", {"runId": "a"}, None)
    for journal in journals:
        run = await journal.load("a")
        assert run and (run.status, run.last_seq) == ("completed", 2)
        await journal.aclose()


def test_an_owner_is_gone_with_its_lock_whatever_its_pid_is_now(tmp_path: Path) -> None:
    first, second = Owner(tmp_path), Owner(tmp_path)
    killed = second.name.rpartition("-")[0] + "-0"
    assert first.gone([first.name, second.name, "1-never"]) == ["1-never"]
    (tmp_path / killed).touch()
    assert first.gone([killed]) == [killed]
    second.release()
    assert first.gone([second.name]) == [second.name]
    third = Owner(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {first.name, third.name}
    first.release()
    third.release()


async def test_a_daemon_that_is_killed_while_it_writes_stops_no_other(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    killed, other = await asyncio.gather(child(BUSY, path, "killed", 100_000), child(BUSY, path, "other", 20))
    assert killed.stdout
    for _ in range(5):
        await killed.stdout.readline()
    killed.kill()
    await killed.communicate()
    await other.communicate()
    assert other.returncode == 0
    async with bounded(path, 10**9) as (journal, database):
        kept = [run for run in await ids(journal) if run.startswith("other")]
        assert len(kept) == 200
        assert await database.read(lambda c: c.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
        assert await database.read(lambda c: c.execute("PRAGMA foreign_key_check").fetchall()) == []


async def test_steps_that_found_no_room_are_kept_when_there_is_some(tmp_path: Path) -> None:
    def room(pages: int) -> "asyncio.Future[object]":
        return database.write(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())

    async with bounded(tmp_path / "journal.db", 10**9) as (journal, database):
        await journal.begin(record())
        await room(1)
        journal.write("a", Step(events=[event(1)], messages=[(0, says(LARGE))]))
        for _ in range(2):
            with pytest.raises(Storage):
                await journal.flush("a")
        journal.write("a", events_from(2, 3))
        with pytest.raises(Storage):
            await journal.end("a", "completed", {"runId": "a"}, None)
        # What is on disk can still be read.
        run = await journal.load("a")
        assert run and (run.status, run.last_seq) == ("completed", 0)
        await room(10**6)
        await journal.flush()
        run = await journal.load("a")
        assert run and (run.status, run.last_seq, len(run.messages)) == ("completed", 3, 1)
        assert len(await journal.events("a", 0)) == 3


async def test_a_run_whose_end_found_no_room_does_not_pass_for_running(tmp_path: Path) -> None:
    async with bounded(tmp_path / "journal.db", 10**9) as (journal, database):
        await journal.begin(record())
        await database.write(lambda c: c.execute("PRAGMA max_page_count = 1").fetchone())
        with pytest.raises(Storage):
            await journal.end("a", "failed", None, {"message": LARGE})
        [run] = (await journal.page(status=None, session_id=None, limit=10, cursor=None)).runs
        assert run.status == "failed"
        assert (await journal.page(status="running", session_id=None, limit=10, cursor=None)).runs == ()
        await database.write(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
        [run] = (await journal.page(status="failed", session_id=None, limit=10, cursor=None)).runs
        assert run.record.run_id == "a"


async def test_a_run_that_found_no_room_has_not_begun(tmp_path: Path) -> None:
    async with bounded(tmp_path / "journal.db", 10**9) as (journal, database):
        await database.write(lambda c: c.execute("PRAGMA max_page_count = 1").fetchone())
        large = record(params={"prompt": LARGE})
        with pytest.raises(Storage):
            await journal.begin(large)
        await database.write(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
        await journal.begin(large)


async def test_what_nobody_asks_for_is_written_all_the_same(tmp_path: Path) -> None:
    async with bounded(tmp_path / "journal.db", 10**9) as (journal, database):
        await journal.begin(record())
        journal.write("a", events_from(1, 1))
        async with asyncio.timeout(TIME_LIMIT):
            while not await count(database, "run_events"):
                await database.flush()


async def test_thousands_of_deltas_become_few_small_rows(tmp_path: Path) -> None:
    async with bounded(tmp_path / "journal.db", 10**9) as (journal, database):
        await journal.begin(record())
        for seq in range(1, 5001):
            journal.write("a", Step(events=[event(seq)]))
        await journal.end("a", "completed", {}, None)
        assert await count(database, "run_events") <= 10
        (size,) = await database.read(lambda c: c.execute("SELECT SUM(length(body)) FROM run_events").fetchone())
        assert size < 5000 * 10


async def test_a_conversation_that_is_sent_again_and_again_is_stored_once(tmp_path: Path) -> None:
    said = [Message(role="user", content=f"message {n}").to_wire() for n in range(50)]
    async with bounded(tmp_path / "journal.db", 10**9) as (journal, database):
        for n in range(1, 51):
            await journal.begin(record(f"{n}", params={"messages": said[:n]}))
            transcript = Message.model_validate(said[n - 1])
            journal.write(f"{n}", Step(messages=[(0, transcript)]))
            await journal.end(f"{n}", "completed", {"messages": [transcript.to_wire()]}, None)
        assert await count(database, "blobs") == 50
        assert not await database.read(
            lambda c: c.execute("SELECT 1 FROM runs WHERE result LIKE '%message _%'").fetchall()
        )
        run = await journal.load("50")
        assert run and run.record.params["messages"] == said and run.result == {"messages": said[-1:]}


async def test_the_oldest_runs_go_when_there_are_too_many_bytes(tmp_path: Path) -> None:
    async with bounded(tmp_path / "journal.db", 20_000) as (journal, database):
        shared = [{"role": "user", "content": "shared " * 100}]
        for n in range(40):
            await journal.begin(record(f"{n}", params={"messages": shared}))
            journal.write(f"{n}", Step(messages=[(0, says(f"{n} " * 300))]))
            await journal.end(f"{n}", "completed", {}, None)
        await journal.prune(time.time())
        kept = await ids(journal)
        assert 10 < len(kept) < 30
        assert kept == [f"{n}" for n in reversed(range(40 - len(kept), 40))]
        assert await count(database, "blobs") == len(kept) + 1
        run = await journal.load("39")
        assert run and run.record.params == {"messages": shared}
        await journal.prune(time.time() + 8 * DAYS)
        assert [await count(database, table) for table in ("runs", "blobs", "run_messages", "run_events")] == [0] * 4


async def test_running_and_interrupted_runs_are_not_forgotten_for_room(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.begin(record("interrupted"))
    async with bounded(path, 1) as (journal, _):
        await journal.begin(record("running"))
        await a_run_that_ended(journal, "ended")
        await journal.prune(time.time())
        assert await ids(journal) == ["running", "interrupted"]
        await journal.prune(time.time() + 8 * DAYS)
        assert await ids(journal) == ["running"]


async def test_old_runs_are_forgotten_when_the_journal_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await a_run_that_ended(journal, "a")
    async with opened(path, JournalSettings(keep_days=1e-9)) as journal:
        async with asyncio.timeout(TIME_LIMIT):
            while await ids(journal):
                pass


async def test_old_runs_are_forgotten_now_and_then(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db", JournalSettings(max_megabytes=1)) as journal:
        for n in range(300):
            await journal.begin(record(f"{n}"))
            journal.write(f"{n}", Step(messages=[(0, says(f"{n} " * 5000))]))
            await journal.end(f"{n}", "completed", {}, None)
        async with asyncio.timeout(TIME_LIMIT):
            while len(await ids(journal)) > 150:
                pass


async def test_a_journal_that_is_switched_off_is_in_memory(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path / "journal.db", JournalSettings(enabled=False))
    assert journal.reason
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", [99, None])
async def test_a_file_that_cannot_be_used_is_left_alone_and_told(tmp_path: Path, version: int | None) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"no database" * 1000)
    if version is not None:
        path.unlink()
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
    before = path.read_bytes()
    journal = await open_journal(path, JournalSettings())
    assert journal.reason and str(path) in journal.reason
    await a_run_that_ended(journal, "a")
    assert await ids(journal) == ["a"]
    await journal.aclose()
    assert path.read_bytes() == before


async def test_a_fault_of_ours_in_one_run_leaves_the_others_their_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await journal.begin(record("bad"))
        await journal.begin(record("good"))
        wrong: Sequence[str] = "no message"
        journal.write("bad", Step(messages=[wrong]))  # type: ignore[list-item]
        with pytest.raises(Storage):
            await journal.flush("bad")
        journal.write("good", events_from(1, 2))
        await journal.end("good", "completed", {}, None)
        assert len(await journal.events("good", 0)) == 2
    assert "Traceback" in caplog.text
