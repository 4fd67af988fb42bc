"""Sessions and their messages as rows, in the order they came."""

import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from agentrouted.core.endpoint import Boundary
from agentrouted.core.errors import Conflict, InvalidParams
from agentrouted.core.memory.facts import new_uid
from agentrouted.core.memory.message_rows import Said, insert_messages, message_of, secrets_of
from agentrouted.core.memory.names import refuse_secrets
from agentrouted.core.memory.scopes import find_scope, scope_id, scope_of
from agentrouted.core.memory.terms import clean
from agentrouted.core.times import seconds_of, text_of_time
from agentrouted.core.tokens import text_of
from agentrouted_protocol.memory import (
    MemoryAddMessagesResult,
    MemorySessionsParams,
    MemorySessionsResult,
    SessionMessage,
    SessionSummary,
)
from agentrouted_protocol.messages import Message
from agentrouted_protocol.scope import Scope

_LONGEST_TITLE: Final = 80


class Conversation(NamedTuple):
    """The part of a session that was asked for."""

    messages: list[SessionMessage]
    last: int | None
    """The number of the last one."""

    stays: bool
    """Whether some of them were said within the boundary `local`."""


def add_messages(
    connection: sqlite3.Connection,
    session_id: str,
    messages: Sequence[Message],
    scope: Scope | None = None,
    run_id: str | None = None,
    boundary: Boundary | None = None,
) -> MemoryAddMessagesResult:
    """All or none. Without a scope it is the session's own. `boundary` is the one in force.

    What a run has added already is not added again. Raises `Conflict` where the session is in another scope.
    """
    if not session_id:
        raise InvalidParams("`sessionId` is empty: name the session")
    now = round(time.time(), 3)
    run_id = None if run_id is None else clean(run_id)
    if run_id is not None and (there := _of_run(connection, run_id)):
        return MemoryAddMessagesResult(ids=there)
    if not messages:
        return MemoryAddMessagesResult(ids=[])
    session, owner = _session(connection, session_id, scope, now)
    said = []
    for message in messages:
        said_at = seconds_of(getattr(message, "created_at", None), "createdAt")
        created = now if said_at is None else said_at
        said.append(Said(new_uid(), session, owner, created, message, run_id, boundary))
    insert_messages(connection, said)
    _touch(connection, session, messages, now)
    return MemoryAddMessagesResult(
        ids=[each.uid for each in said], secrets=[each.uid for each in said if secrets_of(each.message)]
    )


def get_messages(
    connection: sqlite3.Connection,
    session_id: str,
    limit: int | None = None,
    up_to: int | None = None,
    scope: Scope | None = None,
) -> Conversation:
    """The newest, in order, up to the one of that number.

    Raises `Conflict` where the session is in another scope than `scope`.
    """
    find_session(connection, clean(session_id), scope)
    rows = connection.execute(
        "SELECT id, text, body, created_at, boundary FROM memories"
        " WHERE session = (SELECT id FROM memory_sessions WHERE session_id = ?) AND id <= ?"
        " ORDER BY id DESC LIMIT ?",
        (clean(session_id), (1 << 62) if up_to is None else up_to, -1 if limit is None else limit),
    ).fetchall()
    messages = [
        SessionMessage.model_validate({**message_of(text, body), "createdAt": text_of_time(created)})
        for _, text, body, created, _ in reversed(rows)
    ]
    return Conversation(messages, rows[0][0] if rows else up_to, stays=any(row[-1] == "local" for row in rows))


def list_sessions(connection: sqlite3.Connection, params: MemorySessionsParams) -> MemorySessionsResult:
    """The one that was spoken in last comes first."""
    updated, row = _before_page(params.cursor)
    scope = find_scope(connection, params.scope)
    if scope is None:
        return MemorySessionsResult(sessions=[])
    rows = connection.execute(
        "SELECT id, session_id, title, created_at, updated_at,"
        " (SELECT COUNT(*) FROM memories WHERE session = memory_sessions.id) FROM memory_sessions"
        " WHERE scope = ? AND (updated_at, id) < (?, ?) ORDER BY updated_at DESC, id DESC LIMIT ?",
        (scope.id, updated, row, params.limit + 1),
    ).fetchall()
    page = rows[: params.limit]
    more = len(rows) > params.limit
    return MemorySessionsResult(
        sessions=[
            SessionSummary(
                session_id=session_id,
                title=title,
                messages=count,
                created_at=text_of_time(created),
                updated_at=text_of_time(updated),
            )
            for _, session_id, title, created, updated, count in page
        ],
        next_cursor=f"{page[-1][4]!r}:{page[-1][0]}" if more else None,
    )


def title_of(messages: Iterable[Message]) -> str | None:
    """The first line that the user says."""
    for message in messages:
        if message.role == "user" and (text := clean(text_of(message)).strip()):
            line = text.splitlines()[0].strip()
            return line if len(line) <= _LONGEST_TITLE else f"{line[: _LONGEST_TITLE - 1]}…"
    return None


def _session(connection: sqlite3.Connection, session_id: str, scope: Scope | None, now: float) -> tuple[int, int]:
    """The rows of the session and of its scope; made where it is new."""
    name = clean(session_id)
    if (found := find_session(connection, name, scope)) is not None:
        return found
    refuse_secrets(scope, session_id)
    owner = scope_id(connection, scope or Scope())
    inserted = connection.execute(
        "INSERT INTO memory_sessions (session_id, scope, created_at, updated_at) VALUES (?, ?, ?, ?)",
        (name, owner, now, now),
    )
    assert inserted.lastrowid is not None
    return inserted.lastrowid, owner


def find_session(connection: sqlite3.Connection, name: str, scope: Scope | None) -> tuple[int, int] | None:
    """The rows of the session and of its scope. Raises `Conflict` where that is another than `scope`."""
    found: tuple[int, int] | None = connection.execute(
        "SELECT id, scope FROM memory_sessions WHERE session_id = ?", (name,)
    ).fetchone()
    if found and scope is not None and not same_scope(scope, scope_of(connection, found[1])):
        raise Conflict(
            f"session `{name[:100]}` is in another scope", hint="leave out `scope`, or use a new `sessionId`"
        )
    return found


def same_scope(one: Scope, other: Scope) -> bool:
    """An empty name is none."""
    return {name: value for name, value in one if value} == {name: value for name, value in other if value}


def _of_run(connection: sqlite3.Connection, run_id: str) -> list[str]:
    rows = connection.execute(
        "SELECT uid FROM memories WHERE run_id = ? AND kind = 'message' ORDER BY id", (run_id,)
    ).fetchall()
    return [uid for (uid,) in rows]


def _touch(connection: sqlite3.Connection, session: int, messages: Sequence[Message], now: float) -> None:
    connection.execute(
        "UPDATE memory_sessions SET updated_at = ?, title = COALESCE(title, ?) WHERE id = ?",
        (now, title_of(messages), session),
    )


def _before_page(cursor: str | None) -> tuple[float, int]:
    if cursor is None:
        return float("inf"), 0
    # SQLite has no longer numbers.
    if place := re.fullmatch(r"(-?\d+\.\d+):(\d{1,18})", cursor):
        return float(place[1]), int(place[2])
    raise InvalidParams("`cursor` is not from a page of sessions", hint="pass on `nextCursor` as it is")
