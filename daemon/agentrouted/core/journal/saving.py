"""Steps of many runs as rows, a few statements for all."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentrouted.core.errors import Conflict
from agentrouted.core.journal.base import RunRecord
from agentrouted.core.journal.open_runs import Batch, Ending, OpenRun, Written
from agentrouted.core.journal.pieces import digest, encode, fold, pack, split_params
from agentrouted_protocol.messages import Message, Usage

Row = tuple[Any, ...]


@dataclass(slots=True)
class _Rows:
    """What is to be written, a list a table."""

    blobs: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)


def insert_run(connection: sqlite3.Connection, run: OpenRun, record: RunRecord, owner: str, now: float) -> None:
    """Sets the row of `run`."""
    params, pieces = split_params(record.params)
    inserted = connection.execute(
        "INSERT OR IGNORE INTO runs (run_id, fingerprint, status, owner, agent, model, session_id, parent_run_id,"
        " created_at, updated_at, params) VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            record.run_id,
            record.fingerprint,
            owner,
            record.agent,
            record.model,
            record.session_id,
            record.parent_run_id,
            now,
            now,
            params.decode(),
        ),
    ).fetchall()
    if not inserted:
        raise Conflict(f"there is a run `{record.run_id}`", hint="use a new `runId`")
    [(row,)] = inserted
    run.row = row
    if pieces:
        rows = _Rows()
        for place, text in enumerate(pieces, -len(pieces)):
            _add_message(rows, row, place, 0, text)
        _insert(connection, rows)


def save(connection: sqlite3.Connection, batch: Batch) -> None:
    """All steps of all these runs."""
    rows = _Rows()
    # A run without a row was never begun: its caller has been told.
    here = [(run.row, written) for run, written in batch if run.row is not None]
    for row, written in here:
        _add_steps(rows, row, written)
    _insert(connection, rows)
    for row, written in here:
        if ending := written[-1].ending:
            _end(connection, row, ending, written[-1].at)


def _add_steps(rows: _Rows, row: int, written: Sequence[Written]) -> None:
    usage: Usage | None = None
    state: bytes | None = None
    messages: dict[int, tuple[int, Message]] = {}
    for one in written:
        messages.update((place, (one.last_seq, message)) for place, message in one.step.messages)
        rows.calls.extend((row, encode(call_id).decode()) for call_id in one.step.calls_begun)
        usage = one.step.usage or usage
        state = one.state or state
    for place, (seq, message) in messages.items():
        _add_message(rows, row, place, seq, encode(message))
    for first, last, lines in _chunks(event for one in written for event in one.step.events):
        rows.events.append((row, first, last, pack(b"\n".join(lines))))
    rows.runs.append(
        (written[-1].at, written[-1].last_seq, usage and encode(usage).decode(), state and state.decode(), row)
    )


def _add_message(rows: _Rows, row: int, place: int, seq: int, text: bytes) -> None:
    hashed = digest(text)
    rows.blobs.append((hashed, len(text), pack(text)))
    rows.messages.append((row, place, seq, hashed))


def _chunks(events: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, int, list[bytes]]]:
    """Events whose numbers follow each other, together: first and last number, and the events."""
    lines: list[bytes] = []
    last = 0
    for seq, event in events:
        if lines and seq != last + 1:
            yield last + 1 - len(lines), last, lines
            lines = []
        lines.append(event)
        last = seq
    if lines:
        yield last + 1 - len(lines), last, lines


def _insert(connection: sqlite3.Connection, rows: _Rows) -> None:
    connection.executemany("INSERT OR IGNORE INTO blobs (hash, bytes, body) VALUES (?, ?, ?)", rows.blobs)
    connection.executemany(
        "INSERT OR REPLACE INTO run_messages SELECT ?, ?, ?, id FROM blobs WHERE hash = ?", rows.messages
    )
    connection.executemany("INSERT OR REPLACE INTO run_events VALUES (?, ?, ?, ?)", rows.events)
    connection.executemany("INSERT OR IGNORE INTO run_calls VALUES (?, ?)", rows.calls)
    connection.executemany(
        "UPDATE runs SET updated_at = ?, last_seq = ?, usage = COALESCE(?, usage), state = COALESCE(?, state)"
        " WHERE id = ?",
        rows.runs,
    )


def _end(connection: sqlite3.Connection, row: int, ending: Ending, at: float) -> None:
    places = dict(
        connection.execute(
            "SELECT hash, place FROM run_messages JOIN blobs ON id = blob WHERE run = ? AND place >= 0", (row,)
        )
    )
    result, error = _folded(ending.result, places), _folded(ending.error, places)
    connection.execute(
        "UPDATE runs SET status = ?, result = ?, error = ?, ended_at = ?, bytes = length(params) + ?"
        " + (SELECT COALESCE(SUM(length(body)), 0) FROM run_events WHERE run = runs.id) WHERE id = ?",
        (ending.status, result, error, at, len(result or "") + len(error or ""), row),
    )


def _folded(ending: dict[str, Any] | None, places: dict[bytes, int]) -> str | None:
    return None if ending is None else encode(fold(ending, places)).decode()
