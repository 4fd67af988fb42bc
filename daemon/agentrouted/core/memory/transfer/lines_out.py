"""All that is remembered, row by row, as lines of an export."""

import itertools
import sqlite3
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pydantic_core import from_json

from agentrouted.core.memory.facts import COLUMNS, Fact
from agentrouted.core.memory.message_rows import message_of
from agentrouted.core.memory.scopes import find_scope, scope_of, whole_range
from agentrouted.core.memory.transfer.lines import MOST_CHARACTERS, MOST_LINES
from agentrouted.core.times import optional_time, text_of_time
from agentrouted_protocol.scope import Scope


class Place(NamedTuple):
    """How far an export is: a scope, and the last fact, session and message of it that were written."""

    scope: int = 0
    fact: int = 0
    session: int = 0
    message: int = 0


# As a model of `lines` would be written: to make one of each row takes six times as long.
PlainLine = dict[str, Any]


def next_lines(
    connection: sqlite3.Connection, place: Place, only: Scope | None
) -> tuple[list[PlainLine], Place | None]:
    """Some lines, and where those after them begin; None after the last one."""
    lines = []
    characters = 0
    for here, length, line in _lines_after(connection, place, only):
        lines.append(line)
        characters += length
        if len(lines) == MOST_LINES or characters > MOST_CHARACTERS:
            return lines, here
    return lines, None


# Where the next one begins, about how many characters it has, and the line.
_Found = tuple[Place, int, PlainLine]


def _lines_after(connection: sqlite3.Connection, place: Place, only: Scope | None) -> Iterator[_Found]:
    for scope in _scopes_from(connection, place.scope, only):
        here = place if scope == place.scope else Place(scope)
        names = scope_of(connection, scope).to_wire()
        if here.session:
            yield from _messages(connection, here)
        else:
            yield from _facts(connection, here, names)
        for session, line in _sessions(connection, here, names):
            at_session = here._replace(session=session, message=0)
            yield at_session, 0, line
            yield from _messages(connection, at_session)


def _scopes_from(connection: sqlite3.Connection, first: int, only: Scope | None) -> Iterable[int]:
    if only is not None:
        found = find_scope(connection, only)
        return [] if found is None else [found.id]
    return (row for (row,) in connection.execute("SELECT id FROM memory_scopes WHERE id >= ? ORDER BY id", (first,)))


def _facts(connection: sqlite3.Connection, place: Place, scope: PlainLine) -> Iterator[_Found]:
    first, last = whole_range(place.scope)
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM memories WHERE id BETWEEN ? AND ? AND kind != 'message'"
        " AND (expires_at IS NULL OR expires_at > ?) ORDER BY id",
        (max(first, place.fact + 1), last, time.time()),
    )
    for fact in itertools.starmap(Fact, rows):
        yield place._replace(fact=fact.id), len(fact.text), _fact_line(fact, scope)


def _fact_line(fact: Fact, scope: PlainLine) -> PlainLine:
    sources = from_json(fact.sources)
    line = {
        "id": fact.uid,
        "key": fact.key,
        "text": fact.text,
        "kind": fact.kind,
        "tags": from_json(fact.tags),
        "scope": scope,
        "source": sources[-1] if sources else {},
        "sources": sources,
        "version": fact.version,
        "validFrom": optional_time(fact.valid_from),
        "validTo": optional_time(fact.valid_to),
        "expiresAt": optional_time(fact.expires_at),
        "createdAt": text_of_time(fact.created_at),
        "updatedAt": text_of_time(fact.updated_at),
        "type": "fact",
        "boundary": fact.boundary,
    }
    return _said(line)


def _sessions(connection: sqlite3.Connection, place: Place, scope: PlainLine) -> Iterator[tuple[int, PlainLine]]:
    rows = connection.execute(
        "SELECT id, session_id, title, created_at, updated_at FROM memory_sessions WHERE scope = ? AND id > ?"
        " ORDER BY id",
        (place.scope, place.session),
    )
    for row, session_id, title, created, updated in rows:
        line = {
            "type": "session",
            "sessionId": session_id,
            "scope": scope,
            "title": title,
            "createdAt": text_of_time(created),
            "updatedAt": text_of_time(updated),
        }
        yield row, _said(line)


def _messages(connection: sqlite3.Connection, place: Place) -> Iterator[_Found]:
    rows = connection.execute(
        "SELECT id, uid, run_id, created_at, text, body, boundary,"
        " (SELECT session_id FROM memory_sessions WHERE id = session)"
        " FROM memories WHERE session = ? AND id > ? ORDER BY id",
        (place.session, place.message),
    )
    for row, uid, run_id, created, text, body, boundary, session_id in rows:
        line = {
            "type": "message",
            "id": uid,
            "sessionId": session_id,
            "runId": run_id,
            "createdAt": text_of_time(created),
            "message": message_of(text, body),
            "boundary": boundary,
        }
        yield place._replace(message=row), len(text) + len(body), _said(line)


def _said(line: PlainLine) -> PlainLine:
    return {name: value for name, value in line.items() if value is not None}
