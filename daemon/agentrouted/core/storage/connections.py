"""Connections to the database file, each with a thread."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiosqlite

from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.prepare import PATIENCE

IN_MEMORY: Final = Path(":memory:")

# With WAL, `NORMAL` outlives the death of any process; only a power cut may take the last transactions.
_PRAGMAS: Final = ("PRAGMA synchronous = NORMAL", "PRAGMA foreign_keys = ON")


async def connect(path: Path, *pragmas: str) -> aiosqlite.Connection:
    """To a file that is there: another in its place would be empty."""
    connecting = aiosqlite.connect(_uri(path), uri=True, timeout=PATIENCE, isolation_level=None)
    # A process that ends without closing should end: nothing that was committed depends on it.
    connecting._thread.daemon = True
    try:
        connection = await connecting
        for pragma in (*_PRAGMAS, *pragmas):
            await connection.execute(pragma)
    except sqlite3.Error as error:
        await connecting.close()
        raise storage_fault(error, path) from error
    return connection


async def run(connection: aiosqlite.Connection, function: Callable[..., Any], *arguments: Any) -> Any:
    # aiosqlite's public calls are a hop to its thread and back for each statement, and a transaction of them would
    # interleave with others: this is one hop for all of it.
    return await connection._execute(function, connection._conn, *arguments)  # type: ignore[no-untyped-call]


def _uri(path: Path) -> str:
    return str(path) if path == IN_MEMORY else f"{path.absolute().as_uri()}?mode=rw"
