"""A database file checked, copied and packed; nothing hidden."""

import contextlib
import mmap
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from agentrouted.core.errors import NotFound, Storage
from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.prepare import PATIENCE, copy_database
from agentrouted.core.storage.schema import SCRIPTS

# Faults beyond these tell nothing new.
_MOST_FAULTS: Final = 20


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A file that is there, as it is: neither made nor migrated, used by others at the same time. Raises `Storage`."""
    if not path.exists():
        raise NotFound(f"there is no database {path}", hint="nothing has been kept yet")
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise storage_fault(error, path) from error


def check(connection: sqlite3.Connection) -> list[str]:
    """What is wrong with it; nothing, if it is whole."""
    faults = [fault for (fault,) in connection.execute(f"PRAGMA integrity_check({_MOST_FAULTS})") if fault != "ok"]
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(_MOST_FAULTS):
        faults.append(f"row {row} of {table} belongs to a row of {parent} that is not there")
    for index in _text_indexes(connection):
        try:
            connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            faults.append(f"the index {index} does not fit its table: {error}")
    return faults


def version(connection: sqlite3.Connection) -> tuple[int, int]:
    """Of the file, and of this program."""
    return connection.execute("PRAGMA user_version").fetchone()[0], len(SCRIPTS)


def back_up(path: Path, copy: Path | None = None) -> Path:
    """A copy of one moment, whatever is written meanwhile. One that is there already is not written over."""
    with opened(path):
        copy = copy or path.with_name(f"{path.name}.backup-{time.strftime('%Y%m%d-%H%M%S')}")
        if copy.exists():
            raise Storage(f"{copy} is there already", hint="name another file")
        copy_database(path, copy)
    return copy


def vacuum(connection: sqlite3.Connection) -> None:
    """The file without what was deleted, and nothing more of it in the log beside it. It is `long_work`."""
    connection.execute("VACUUM")
    give_up = time.monotonic() + PATIENCE
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > give_up:
            raise sqlite3.OperationalError("another program reads from it all the time")
        time.sleep(0.01)


def copies(path: Path) -> list[Path]:
    """Those that were made beside the file, before it was migrated and by `back_up`."""
    return sorted([*path.parent.glob(f"{path.name}.version-*"), *path.parent.glob(f"{path.name}.backup-*")])


def bytes_of(path: Path) -> int:
    """Of the file, with the log beside it."""
    return sum(file.stat().st_size for file in _files(path))


def search(path: Path, pieces: Iterable[bytes], shape: re.Pattern[bytes], among: frozenset[bytes]) -> set[bytes]:
    """What stands in the bytes of the file and of its log: of `pieces`, and of what has a `shape` and is `among`."""
    found: set[bytes] = set()
    for file in _files(path):
        with file.open("rb") as opened_file:
            if file.stat().st_size:
                with mmap.mmap(opened_file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    found |= {piece for piece in pieces if content.find(piece) >= 0}
                    found |= {match.group() for match in shape.finditer(content)} & among
    return found


def _files(path: Path) -> list[Path]:
    return [file for file in (path, path.with_name(f"{path.name}-wal")) if file.exists()]


def _text_indexes(connection: sqlite3.Connection) -> list[str]:
    sql = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%'"
    return [name for (name,) in connection.execute(sql)]
