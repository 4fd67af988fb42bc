"""A database file made ready: private, migrated, backed up."""

import contextlib
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from agentrouted.core.errors import Storage
from agentrouted.core.storage.faults import is_busy, storage_fault

# Seconds to wait for another process that writes.
PATIENCE: Final = 5.0


def prepare(path: Path, scripts: Sequence[str]) -> None:
    """Leaves a file at `path` with the tables of `scripts`. Blocks; raises `Storage`, and never removes a file."""
    try:
        _make_private(path)
        with contextlib.closing(_connect(path)) as connection:
            _refuse_newer(connection, path, scripts)
            _use_wal(connection)
            _migrate(connection, path, scripts)
    except (sqlite3.Error, OSError) as error:
        raise storage_fault(error, path) from error


def copy_database(path: Path, copy: Path) -> None:
    """As it is at this moment; whole or not there."""
    partial = copy.with_name(f"{copy.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    with contextlib.closing(_connect(path)) as source, contextlib.closing(_connect(partial)) as target:
        source.backup(target)
    partial.replace(copy)


def statements(script: str) -> Iterator[str]:
    """`executescript` would commit what was begun."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)


def _make_private(path: Path) -> None:
    """A folder that is there already stays as it is: it may be anything."""
    # Not with `parents=True`, which lets others look into those that it makes on the way.
    for folder in reversed([folder for folder in path.parents if not folder.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    mode = stat.S_IMODE(path.stat().st_mode)
    # A file of another user, which we may only write to, stays as it is.
    with contextlib.suppress(PermissionError):
        path.chmod(mode & 0o700)


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _refuse_newer(connection: sqlite3.Connection, path: Path, scripts: Sequence[str]) -> None:
    if (version := _version(connection)) > len(scripts):
        raise Storage(
            f"The database {path} has version {version}, and this agentrouted knows {len(scripts)} at most",
            hint="update agentrouted, or move the file away to begin with a new one",
        )


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait when two processes do this at once, so we do."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > give_up:
                raise
        time.sleep(0.01)


def _migrate(connection: sqlite3.Connection, path: Path, scripts: Sequence[str]) -> None:
    """All scripts that are missing, or none: whatever is raised here, closing the connection rolls back."""
    if _version(connection) == len(scripts):
        return
    connection.execute("BEGIN IMMEDIATE")
    # Only now is it sure: another process may have been migrating.
    version = _version(connection)
    _refuse_newer(connection, path, scripts)
    if 0 < version < len(scripts):
        copy_database(path, path.with_name(f"{path.name}.version-{version}"))
    for script in scripts[version:]:
        for statement in statements(script):
            connection.execute(statement)
    if version < len(scripts):
        connection.execute(f"PRAGMA user_version = {len(scripts)}")
    connection.execute("COMMIT")
