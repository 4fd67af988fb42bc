"""Which runs stay, whose they are, and which are forgotten."""

import sqlite3
from collections.abc import Iterable
from typing import Final

from agentrouted.core.errors import Conflict, NotFound
from agentrouted.core.journal.open_runs import OpenRun

# Runs forgotten in one transaction: others wait for it.
_AT_ONCE: Final = 20


def interrupt(connection: sqlite3.Connection, gone: Iterable[str]) -> None:
    """The runs of owners that are gone have stopped where they were."""
    connection.executemany(
        "UPDATE runs SET status = 'interrupted', ended_at = updated_at,"
        " bytes = length(params) + (SELECT COALESCE(SUM(length(body)), 0) FROM run_events WHERE run = runs.id)"
        " WHERE status = 'running' AND owner = ?",
        [(owner,) for owner in gone],
    )


def take_over(connection: sqlite3.Connection, run: OpenRun, owner: str) -> None:
    """An interrupted run is this owner's from now on. Sets the row of `run`."""
    found = connection.execute("SELECT id, status, last_seq FROM runs WHERE run_id = ?", (run.run_id,)).fetchone()
    if found is None:
        raise NotFound(f"there is no run `{run.run_id}`")
    row, status, last_seq = found
    if status != "interrupted":
        said = "is running already" if status == "running" else f"has ended: it is {status}"
        raise Conflict(f"run `{run.run_id}` {said}", hint="only an interrupted run can go on")
    connection.execute(
        "UPDATE runs SET status = 'running', owner = ?, ended_at = NULL, bytes = 0, result = NULL, error = NULL"
        " WHERE id = ?",
        (owner, row),
    )
    run.row, run.last_seq = row, last_seq


def total_bytes(connection: sqlite3.Connection) -> int:
    """What ended runs and all messages take."""
    total: int = connection.execute(
        "SELECT (SELECT COALESCE(SUM(bytes), 0) FROM runs) + (SELECT COALESCE(SUM(bytes), 0) FROM blobs)"
    ).fetchone()[0]
    return total


def forget_older(connection: sqlite3.Connection, than: float) -> int:
    """Some runs that ended before this time, the oldest first. Returns how many."""
    runs = connection.execute(
        "SELECT id, bytes FROM runs WHERE ended_at < ? ORDER BY ended_at LIMIT ?", (than, _AT_ONCE)
    ).fetchall()
    for row, _ in runs:
        forget_run(connection, row)
    return len(runs)


def forget_oldest(connection: sqlite3.Connection, excess: int) -> int:
    """Some of the oldest that have ended, until so many bytes are free. Returns how many bytes are."""
    runs = connection.execute(
        "SELECT id, bytes FROM runs WHERE ended_at IS NOT NULL AND status != 'interrupted' ORDER BY ended_at LIMIT ?",
        (_AT_ONCE,),
    ).fetchall()
    freed = 0
    for row, size in runs:
        if freed < excess:
            freed += size + forget_run(connection, row)
    return freed


def forget_run(connection: sqlite3.Connection, row: int) -> int:
    """One run, and the messages that no other has. Returns the bytes of those messages."""
    blobs = connection.execute("SELECT DISTINCT blob FROM run_messages WHERE run = ?", (row,)).fetchall()
    connection.execute("DELETE FROM runs WHERE id = ?", (row,))
    freed = 0
    for (blob,) in blobs:
        for (size,) in connection.execute(
            "DELETE FROM blobs WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM run_messages WHERE blob = ?1)"
            " RETURNING bytes",
            (blob,),
        ).fetchall():
            freed += size
    return freed
