"""Conversations in the file, oldest message first."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

COLUMNS: Final = ("role", "content", "parts", "tool_calls", "tool_call_id", "name", "reasoning", "signed")
"""`parts`, `tool_calls` and `signed` are JSON."""


def add_messages(connection: sqlite3.Connection, session_id: str | None, messages: Iterable[Mapping[str, Any]]) -> None:
    places = ", ".join("?" * (len(COLUMNS) + 1))
    connection.executemany(
        f"INSERT INTO messages (session_id, {', '.join(COLUMNS)}) VALUES ({places})",
        [(session_id, *(message.get(column) for column in COLUMNS)) for message in messages],
    )


def get_messages(connection: sqlite3.Connection, session_id: str | None, limit: int | None) -> Sequence[dict[str, Any]]:
    """The newest `limit`, or all."""
    rows = connection.execute(
        f"SELECT {', '.join(COLUMNS)} FROM messages WHERE session_id IS ? ORDER BY id DESC LIMIT ?",
        (session_id, -1 if limit is None else max(0, limit)),
    ).fetchall()
    return [dict(zip(COLUMNS, row, strict=True)) for row in reversed(rows)]


def clear_messages(connection: sqlite3.Connection, session_id: str | None) -> None:
    connection.execute("DELETE FROM messages WHERE session_id IS ?", (session_id,))
