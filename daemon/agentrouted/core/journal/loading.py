"""Rows as runs."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, Final

from agentrouted.core.journal.base import Page, RunRecord, StoredRun
from agentrouted.core.journal.common import iso_time
from agentrouted.core.journal.pieces import decode, decode_message, join_params, unfold, unpack
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.runs import RunStatus

_SUMMARY: Final = (
    "id, run_id, fingerprint, agent, model, session_id, parent_run_id, status, created_at, updated_at, last_seq, usage"
)

# That SQLite can compare with.
_LARGEST: Final = 2**63 - 1


def load_run(connection: sqlite3.Connection, run_id: str) -> StoredRun | None:
    found = connection.execute(
        f"SELECT {_SUMMARY}, params, state, result, error FROM runs WHERE run_id = ?", (run_id,)
    ).fetchone()
    if found is None:
        return None
    *summary, params, state, result, error = found
    messages = connection.execute(
        "SELECT place, seq, body FROM run_messages JOIN blobs ON id = blob WHERE run = ? ORDER BY place", (summary[0],)
    ).fetchall()
    texts = {place: unpack(body) for place, _, body in messages}
    calls = connection.execute("SELECT call_id FROM run_calls WHERE run = ?", (summary[0],)).fetchall()
    return _stored(
        summary,
        params=join_params(params, [text for place, text in texts.items() if place < 0]),
        messages=tuple((seq, decode_message(texts[place])) for place, seq, _ in messages if place >= 0),
        calls_begun=frozenset(decode(call_id) for (call_id,) in calls),
        state=decode(state),
        result=result and unfold(decode(result), texts),
        error=error and unfold(decode(error), texts),
    )


def load_events(connection: sqlite3.Connection, run_id: str, after_seq: int) -> list[bytes]:
    chunks = connection.execute(
        "SELECT first_seq, body FROM run_events WHERE run = (SELECT id FROM runs WHERE run_id = ?) AND last_seq > ?"
        " ORDER BY first_seq",
        (run_id, min(after_seq, _LARGEST)),
    )
    return [event for first, body in chunks for event in unpack(body).split(b"\n")[max(0, after_seq + 1 - first) :]]


def runs_that_told(connection: sqlite3.Connection, mark: bytes, fits: Callable[[bytes], bool]) -> set[int]:
    """Rows of runs with an event that has a `mark` and `fits`. Looks through all there are."""
    found = set()
    for run, body in connection.execute("SELECT run, body FROM run_events"):
        if run not in found and any(mark in event and fits(event) for event in unpack(body).split(b"\n")):
            found.add(run)
    return found


def load_page(
    connection: sqlite3.Connection, status: RunStatus | None, session_id: str | None, limit: int, before: int | None
) -> Page:
    """The newest first, of those begun before the run of row `before`."""
    wanted = {"status = ?": status, "session_id = ?": session_id, "id < ?": before}
    given = {condition: value for condition, value in wanted.items() if value is not None}
    rows = connection.execute(
        f"SELECT {_SUMMARY} FROM runs WHERE {' AND '.join(['TRUE', *given])} ORDER BY id DESC LIMIT ?",
        (*given.values(), limit + 1),
    ).fetchall()
    cursor = str(rows[limit - 1][0]) if len(rows) > limit else None
    return Page(tuple(_stored(row, params={}) for row in rows[:limit]), cursor)


def running_elsewhere(connection: sqlite3.Connection, owner: str) -> list[str]:
    """The other owners of runs that have not ended."""
    found = connection.execute("SELECT DISTINCT owner FROM runs WHERE status = 'running' AND owner != ?", (owner,))
    return [name for (name,) in found]


def _stored(summary: Iterable[Any], params: dict[str, Any], **more: Any) -> StoredRun:
    (_, run_id, fingerprint, agent, model, session_id, parent_run_id, status, created, updated, last_seq, usage) = (
        summary
    )
    return StoredRun(
        RunRecord(run_id, fingerprint, params, agent, model, session_id, parent_run_id),
        status=status,
        created_at=iso_time(created),
        updated_at=iso_time(updated),
        usage=Usage.model_validate_json(usage),
        last_seq=last_seq,
        **more,
    )
