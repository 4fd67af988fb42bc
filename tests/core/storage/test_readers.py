"""Reads at the same time: a few connections, and who waits for whom."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiosqlite
import pytest

from agentrouted.core.errors import Storage
from agentrouted.core.storage.database import Database

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE);\n"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "a #1 ?.db", [NOTES])
    yield database
    await database.aclose()


def count(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT COUNT(*) FROM notes").fetchone()[0]
    return found


class SlowRead:
    """Goes on until it is told to end, and says when it has begun."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.begun = asyncio.Event()
        self.may_end = threading.Event()

    def __call__(self, connection: sqlite3.Connection) -> str:
        self.loop.call_soon_threadsafe(self.begun.set)
        self.may_end.wait()
        return "slow"


async def begun(database: Database, number: int) -> tuple[list[SlowRead], list[asyncio.Task[str]]]:
    slow = [SlowRead() for _ in range(number)]
    reading = [asyncio.create_task(database.read(each)) for each in slow]
    for each in slow[:4]:
        await each.begun.wait()
    return slow, reading


async def test_a_slow_read_does_not_hold_up_another(database: Database) -> None:
    slow, reading = await begun(database, 3)
    assert await database.read(count) == 0
    for each in slow:
        each.may_end.set()
    assert await asyncio.gather(*reading) == ["slow"] * 3


async def test_many_reads_at_once_share_a_few_threads(database: Database) -> None:
    before, threads = threading.active_count(), set[int]()

    def note_thread(connection: sqlite3.Connection) -> None:
        threads.add(threading.get_ident())
        count(connection)

    await asyncio.gather(*(database.read(note_thread) for _ in range(100)))
    assert 1 < len(threads) <= 4 and threading.active_count() - before == len(threads) - 1


async def test_reads_one_after_the_other_are_of_one_connection(database: Database) -> None:
    def identity(connection: sqlite3.Connection) -> int:
        return id(connection)

    await asyncio.gather(*(database.read(identity) for _ in range(10)))
    assert len({await database.read(identity) for _ in range(10)}) == 1


async def test_those_that_find_none_free_wait_their_turn(database: Database) -> None:
    slow, reading = await begun(database, 4)
    order = list[int]()

    def noted(number: int) -> Callable[[sqlite3.Connection], None]:
        return lambda connection: order.append(number)

    waiting = [asyncio.create_task(database.read(noted(number))) for number in range(20)]
    slow[0].may_end.set()
    await asyncio.gather(*waiting)
    assert order == list(range(20))
    for each in slow:
        each.may_end.set()
    await asyncio.gather(*reading)


async def test_a_read_that_nobody_waits_for_keeps_its_connection_until_it_ends(database: Database) -> None:
    slow, reading = await begun(database, 4)
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)
    waiting = asyncio.create_task(database.read(count))
    for each in slow:
        each.may_end.set()
    assert await waiting == 0
    assert await asyncio.gather(*(database.read(count) for _ in range(20))) == [0] * 20


async def test_a_read_that_gives_up_before_its_turn_takes_none(database: Database) -> None:
    slow, reading = await begun(database, 5)
    reading[4].cancel()
    await asyncio.wait([reading[4]])
    for each in slow:
        each.may_end.set()
    assert await asyncio.gather(*reading[:4]) == ["slow"] * 4
    assert await asyncio.gather(*(database.read(count) for _ in range(20))) == [0] * 20


async def test_a_connection_is_opened_to_the_end_for_a_read_that_gives_up(database: Database) -> None:
    for _ in range(10):
        reading = [asyncio.create_task(database.read(count)) for _ in range(4)]
        await asyncio.sleep(0)
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)
    slow, slow_reading = await begun(database, 4)
    for each in slow:
        each.may_end.set()
    assert await asyncio.gather(*slow_reading) == ["slow"] * 4


async def test_what_was_opened_for_one_read_is_taken_by_no_other(database: Database) -> None:
    [slow], reading = await begun(database, 1)
    opened, comes_first = database._readers._another, list[asyncio.Task[int]]()

    async def opened_as_another_read_begins() -> aiosqlite.Connection:
        reader = await opened()
        comes_first.append(asyncio.create_task(database.read(count)))
        return reader

    database._readers._another = opened_as_another_read_begins  # type: ignore[method-assign]
    assert await database.read(count) == 0 and await comes_first[0] == 0
    slow.may_end.set()
    assert await asyncio.gather(*reading) == ["slow"]


async def test_where_no_thread_can_be_begun_reads_go_on_with_those_there_are(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert await asyncio.gather(*(database.read(count) for _ in range(20))) == [0] * 20


async def test_closing_waits_for_reads_under_way_and_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    database = await Database.open(tmp_path / "a.db", [NOTES])
    slow, reading = await begun(database, 6)
    of_database = set(threading.enumerate()) - before
    reading[3].cancel()
    closing = asyncio.create_task(database.aclose())
    for each in slow:
        each.may_end.set()
    await closing
    told = await asyncio.gather(*reading, return_exceptions=True)
    assert told[:3] == ["slow"] * 3 and isinstance(told[3], asyncio.CancelledError)
    assert all(each == "slow" or isinstance(each, Storage) for each in told[4:])
    for thread in of_database:
        # Of the others, the loop takes care.
        if "asyncio" not in thread.name:
            await asyncio.to_thread(thread.join)


async def test_where_the_file_was_moved_reads_go_on_with_the_connections_there_are(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db", [NOTES])
    await database.write(lambda connection: connection.execute("INSERT INTO notes (text) VALUES ('kept')") and None)
    (tmp_path / "a.db").rename(tmp_path / "b.db")
    assert await asyncio.gather(*(database.read(count) for _ in range(20))) == [1] * 20
    assert not (tmp_path / "a.db").exists()
    await database.aclose()


async def test_in_memory_reads_take_turns_with_writes() -> None:
    database = await Database.in_memory([NOTES])
    writes = [
        database.write(lambda connection: connection.execute("INSERT INTO notes DEFAULT VALUES") and None)
        for _ in range(20)
    ]
    counts = await asyncio.gather(*(database.read(count) for _ in range(20)))
    await asyncio.gather(*writes)
    assert counts == sorted(counts) and await database.read(count) == 20
    await database.aclose()
