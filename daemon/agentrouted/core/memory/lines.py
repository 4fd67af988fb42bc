"""All that is remembered, as lines of JSON and back."""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import to_json

from agentrouted.core.endpoint import stricter
from agentrouted.core.errors import Conflict, InvalidParams
from agentrouted.core.memory.entries import COLUMNS, clean_source, entry_of
from agentrouted.core.memory.foreign import Placed
from agentrouted.core.memory.message_rows import Said, insert_message, message_of, texts_before
from agentrouted.core.memory.remembering import NewFacts
from agentrouted.core.memory.scopes import scope_id, scope_of, whole_range
from agentrouted.core.memory.terms import clean, fingerprint
from agentrouted.core.memory.turns import find_session
from agentrouted.core.secrets import secrets_in
from agentrouted.core.times import seconds_of, text_of_time
from agentrouted.core.tokens import text_of
from agentrouted_protocol.base import WireModel
from agentrouted_protocol.memory import MemoryEntry
from agentrouted_protocol.messages import Message
from agentrouted_protocol.scope import Scope

HEADER: Final = {"type": "agentrouted.memory", "version": 1}


class FactLine(MemoryEntry):
    """A fact, as it is."""

    type: Literal["fact"] = "fact"


class SessionLine(WireModel):
    """A session; its messages follow."""

    type: Literal["session"] = "session"
    session_id: str
    scope: Scope = Scope()
    title: str | None = None
    created_at: str
    updated_at: str


class MessageLine(WireModel):
    """A message of the session that was named last."""

    type: Literal["message"] = "message"
    id: str
    session_id: str
    run_id: str | None = None
    created_at: str
    message: Message


Line = FactLine | SessionLine | MessageLine
LINE: TypeAdapter[Line] = TypeAdapter(Line)


class Place(NamedTuple):
    """How far an export is: a scope, and the last fact, session and message of it that were written."""

    scope: int = 0
    fact: int = 0
    session: int = 0
    message: int = 0


def next_lines(
    connection: sqlite3.Connection, place: Place, only: Scope | None, count: int
) -> tuple[list[Line], Place | None]:
    """Up to `count` lines, and where those after them begin; None after the last one."""
    scope = place.scope or _next_scope(connection, 0, only)
    if scope is None:
        return [], None
    place = place._replace(scope=scope)
    if place.session == 0:
        facts = _facts(connection, place, count)
        if facts:
            its_scope = scope_of(connection, scope)
            return [FactLine(**dict(entry_of(row, its_scope))) for row in facts], place._replace(fact=facts[-1][0])
    else:
        messages = _messages(connection, place, count)
        if messages:
            return [line for _, line in messages], place._replace(message=messages[-1][0])
    session = _session_after(connection, place)
    if session is not None:
        return [session[1]], place._replace(session=session[0], message=0)
    following = _next_scope(connection, scope, only)
    return [], None if following is None else Place(following)


def take_in(
    connection: sqlite3.Connection, lines: Sequence[tuple[str, Line]], refused: set[str]
) -> tuple[int, int, list[str]]:
    """How many facts and messages are new, or newer than what was there; and what could not be taken in, by place.

    `refused` are sessions that are in another scope here; it grows.
    """
    facts = messages = 0
    problems = []
    for place, line in lines:
        try:
            match line:
                case FactLine():
                    facts += _take_fact(connection, line)
                case SessionLine():
                    _take_session(connection, line, refused)
                case MessageLine() if line.session_id not in refused:
                    messages += _take_message(connection, line)
        except (InvalidParams, Conflict) as error:
            problems.append(f"{place}: {error.message}")
    return facts, messages, problems


def _next_scope(connection: sqlite3.Connection, after: int, only: Scope | None) -> int | None:
    for (row,) in connection.execute("SELECT id FROM memory_scopes WHERE id > ? ORDER BY id", (after,)):
        if only is None or scope_of(connection, row) == only:
            return int(row)
    return None


def _facts(connection: sqlite3.Connection, place: Place, count: int) -> list[Any]:
    first, last = whole_range(place.scope)
    return connection.execute(
        f"SELECT {COLUMNS} FROM memories WHERE id BETWEEN ? AND ? AND kind != 'message'"
        " AND (expires_at IS NULL OR expires_at > ?) ORDER BY id LIMIT ?",
        (max(first, place.fact + 1), last, time.time(), count),
    ).fetchall()


def _messages(connection: sqlite3.Connection, place: Place, count: int) -> list[tuple[int, MessageLine]]:
    rows = connection.execute(
        "SELECT id, uid, run_id, created_at, text, body, (SELECT session_id FROM memory_sessions WHERE id = session)"
        " FROM memories WHERE session = ? AND id > ? ORDER BY id LIMIT ?",
        (place.session, place.message, count),
    ).fetchall()
    return [
        (
            row,
            MessageLine(
                id=uid,
                session_id=session_id,
                run_id=run_id,
                created_at=text_of_time(created),
                message=Message.model_validate(message_of(text, body)),
            ),
        )
        for row, uid, run_id, created, text, body, session_id in rows
    ]


def _session_after(connection: sqlite3.Connection, place: Place) -> tuple[int, SessionLine] | None:
    found = connection.execute(
        "SELECT id, session_id, title, created_at, updated_at FROM memory_sessions WHERE scope = ? AND id > ?"
        " ORDER BY id LIMIT 1",
        (place.scope, place.session),
    ).fetchone()
    if found is None:
        return None
    row, session_id, title, created, updated = found
    return row, SessionLine(
        session_id=session_id,
        scope=scope_of(connection, place.scope),
        title=title,
        created_at=text_of_time(created),
        updated_at=text_of_time(updated),
    )


def _take_fact(connection: sqlite3.Connection, line: FactLine) -> int:
    text = clean(line.text)
    if not text.strip():
        raise InvalidParams("its `text` is empty")
    key = None if line.key is None else clean(line.key)
    digest = fingerprint(text)
    row: dict[str, Any] = {
        "uid": clean(line.id),
        "kind": line.kind,
        "text": text,
        "created_at": seconds_of(line.created_at, "createdAt"),
        "key": key,
        "tags": list(map(clean, line.tags)),
        "sources": list(map(clean_source, line.sources)),
        "version": line.version,
        "valid_from": seconds_of(line.valid_from, "validFrom"),
        "valid_to": seconds_of(line.valid_to, "validTo"),
        "expires_at": seconds_of(line.expires_at, "expiresAt"),
        "updated_at": seconds_of(line.updated_at, "updatedAt"),
    }
    scope = row["scope"] = scope_id(connection, line.scope)
    same, value = ("key = ?3", key) if key is not None else ("key IS NULL AND digest = ?3", digest)
    there = connection.execute(
        f"SELECT id, updated_at, uid = ?1 AND text = ?4 AND version = ?5, boundary FROM memories"
        f" WHERE uid = ?1 OR (scope = ?2 AND {same})",
        (row["uid"], scope, value, text, line.version),
    ).fetchall()
    if any(updated >= row["updated_at"] or is_same for _, updated, is_same, _ in there):
        return 0
    connection.executemany("DELETE FROM memories WHERE id = ?", [(each,) for each, *_ in there])
    row["boundary"] = stricter(*(boundary for *_, boundary in there))
    new = NewFacts(connection)
    _, row["id"] = new.next_id(line.scope)
    new.add(row, digest)
    new.flush()
    return 1


def _take_session(connection: sqlite3.Connection, line: SessionLine, refused: set[str]) -> None:
    times = seconds_of(line.created_at, "createdAt"), seconds_of(line.updated_at, "updatedAt")
    try:
        find_session(connection, clean(line.session_id), line.scope)
    except Conflict:
        refused.add(line.session_id)
        raise
    connection.execute(
        "INSERT OR IGNORE INTO memory_sessions (session_id, scope, title, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (clean(line.session_id), scope_id(connection, line.scope), line.title and clean(line.title), *times),
    )


def _take_message(connection: sqlite3.Connection, line: MessageLine) -> int:
    if connection.execute("SELECT 1 FROM memories WHERE uid = ?", (clean(line.id),)).fetchone():
        return 0
    found = connection.execute(
        "SELECT id, scope FROM memory_sessions WHERE session_id = ?", (clean(line.session_id),)
    ).fetchone()
    if found is None:
        times = {"created_at": line.created_at, "updated_at": line.created_at}
        _take_session(connection, SessionLine(session_id=line.session_id, **times), set())
        return _take_message(connection, line)
    session, scope = found
    created = seconds_of(line.created_at, "createdAt")
    assert created is not None
    said = Said(clean(line.id), session, scope, created, line.message, line.run_id and clean(line.run_id))
    insert_message(connection, said, texts_before(connection, session))
    return 1


def to_text(line: Line) -> str:
    plain = line.to_wire()
    try:
        return to_json(plain).decode()
    except ValueError:
        # Half a surrogate pair, which UTF-8 has not.
        return json.dumps(plain, separators=(",", ":"))


def parsed(texts: Iterable[Placed]) -> Iterator[tuple[str, Line | None, str | None]]:
    """Where it stands, the line, and what is to be said of it."""
    for place, text in texts:
        if not text.strip():
            continue
        try:
            plain = json.loads(text)
            if isinstance(plain, dict) and plain.get("type") == HEADER["type"]:
                continue
            line = LINE.validate_python(plain, by_alias=True, by_name=False)
        except ValueError as error:
            yield place, None, f"{place}: {_fault(error)}"
        else:
            secrets = secrets_in(_text(line))
            yield place, line, f"{place}: it is kept, with its secret ({', '.join(secrets)})" if secrets else None


def _text(line: Line) -> str:
    match line:
        case FactLine():
            return line.text
        case MessageLine():
            return text_of(line.message)
        case SessionLine():
            return ""


def _fault(error: ValueError) -> str:
    return "it is no JSON" if isinstance(error, json.JSONDecodeError) else "it is nothing that can be remembered"
