"""What messages that go have left in those that stay."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from agentrouted.core.memory.facts import as_json
from agentrouted.core.memory.index import change_in_index
from agentrouted.core.memory.message_rows import NEIGHBOURS, around_now, message_of
from agentrouted.core.memory.sessions import title_of
from agentrouted_protocol.messages import Message

_FOLLOWS: Final = " OR ".join(f"LAG(goes, {place}, FALSE) OVER session_order" for place in range(1, NEIGHBOURS + 1))


class Traces(NamedTuple):
    """Rows of sessions that lose messages, and of messages that are found by words of these."""

    sessions: list[int]
    messages: list[int]


def traces_of(connection: sqlite3.Connection, going: str, values: Sequence[Any]) -> Traces:
    """`going` is a condition on `memories`, as SQL."""
    lose = f"SELECT DISTINCT session FROM memories WHERE kind = 'message' AND {going}"
    sessions = [session for (session,) in connection.execute(lose, values)]
    rows = connection.execute(
        f"SELECT id FROM (SELECT id, goes, {_FOLLOWS} AS follows"
        f" FROM (SELECT id, session, ({going}) IS TRUE AS goes FROM memories"
        " WHERE session IN (SELECT value FROM json_each(?)) AND text != '')"
        " WINDOW session_order AS (PARTITION BY session ORDER BY id)) WHERE follows AND NOT goes",
        (*values, as_json(sessions)),
    )
    return Traces(sessions, [row for (row,) in rows])


def remove(connection: sqlite3.Connection, traces: Traces) -> None:
    """When the others are gone."""
    for message in traces.messages:
        _index_anew(connection, message)
    for session in traces.sessions:
        _name_anew(connection, session)


def _index_anew(connection: sqlite3.Connection, message: int) -> None:
    session, created_at, words, around, body = connection.execute(
        "SELECT session, created_at, COALESCE(words, text), around, body FROM memories WHERE id = ?", (message,)
    ).fetchone()
    now = around_now(connection, message, session, created_at, body)
    connection.execute("UPDATE memories SET around = ? WHERE id = ?", (now, message))
    change_in_index(connection, message, (words, around), (words, now))


def _name_anew(connection: sqlite3.Connection, session: int) -> None:
    rows = connection.execute("SELECT text, body FROM memories WHERE session = ? ORDER BY id", (session,))
    said = (Message.model_validate(message_of(text, body)) for text, body in rows)
    connection.execute("UPDATE memory_sessions SET title = ? WHERE id = ?", (title_of(said), session))
