"""The file of a `MemorySQLite`: its tables, facts, messages."""

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agentrouted.core.storage.prepare import statements

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    role TEXT NOT NULL,
    content TEXT,
    tool_calls TEXT,
    tool_call_id TEXT,
    name TEXT
);
CREATE TABLE IF NOT EXISTS facts (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
"""

# Files that were made before these were thought of get them when they are opened.
_LATER_COLUMNS: Final = ("session_id", "parts", "reasoning", "signed")

_INDEX: Final = """
CREATE INDEX IF NOT EXISTS messages_by_session ON messages (session_id, id);
CREATE VIRTUAL TABLE facts_index USING fts5 (key, value, tokenize = 'porter unicode61');
INSERT INTO facts_index (rowid, key, value) SELECT rowid, key, value FROM facts;
CREATE TRIGGER facts_added AFTER INSERT ON facts BEGIN
    INSERT INTO facts_index (rowid, key, value) VALUES (new.rowid, new.key, new.value);
END;
CREATE TRIGGER facts_changed AFTER UPDATE ON facts BEGIN
    UPDATE facts_index SET key = new.key, value = new.value WHERE rowid = old.rowid;
END;
CREATE TRIGGER facts_removed AFTER DELETE ON facts BEGIN
    DELETE FROM facts_index WHERE rowid = old.rowid;
END;
"""

_COLUMNS: Final = ("role", "content", "parts", "tool_calls", "tool_call_id", "name", "reasoning", "signed")
"""`parts`, `tool_calls` and `signed` are JSON."""

_MOST_WORDS: Final = 64
"""Of a query."""


def open_database(path: Path) -> sqlite3.Connection:
    """Makes the file and its folder where they are missing. One thread at a time may use the connection, any thread."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.create_function("lowered", 1, str.lower, deterministic=True)
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def add_messages(connection: sqlite3.Connection, session_id: str | None, messages: Iterable[Mapping[str, Any]]) -> None:
    places = ", ".join("?" * (len(_COLUMNS) + 1))
    connection.executemany(
        f"INSERT INTO messages (session_id, {', '.join(_COLUMNS)}) VALUES ({places})",
        [(session_id, *(message.get(column) for column in _COLUMNS)) for message in messages],
    )


def get_messages(connection: sqlite3.Connection, session_id: str | None, limit: int | None) -> Sequence[dict[str, Any]]:
    """The newest `limit`, or all."""
    rows = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM messages WHERE session_id IS ? ORDER BY id DESC LIMIT ?",
        (session_id, -1 if limit is None else max(0, limit)),
    ).fetchall()
    return [dict(zip(_COLUMNS, row, strict=True)) for row in reversed(rows)]


def clear_messages(connection: sqlite3.Connection, session_id: str | None) -> None:
    connection.execute("DELETE FROM messages WHERE session_id IS ?", (session_id,))


def remember(connection: sqlite3.Connection, key: str, value: str) -> None:
    """One value for a key: the last one. It keeps its place in the order."""
    connection.execute(
        "INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def forget(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("DELETE FROM facts WHERE key = ?", (key,))


def recall(connection: sqlite3.Connection, query: str, limit: int) -> list[str]:
    """Values of the facts that have all words of the query, in their key or their value; if there are none, of those
    that contain the query as it is; and if there are none either, of those with any of its words, the best first.

    No query is an error, whatever its characters are; an empty one finds everything, in the order it came.
    """
    text = query.strip()
    if not text:
        return _values(connection, "SELECT value FROM facts ORDER BY rowid LIMIT ?", limit)
    words = [f'"{word}"' for word in dict.fromkeys(re.findall(r"\w+", text.lower()))][:_MOST_WORDS]
    return (
        (words and _matching(connection, " AND ".join(words), "facts.rowid", limit))
        or _containing(connection, text.lower(), limit)
        or (words and _matching(connection, " OR ".join(words), "rank", limit))
    )


def _matching(connection: sqlite3.Connection, expression: str, order: str, limit: int) -> list[str]:
    # By key, since a VACUUM may number the rows of `facts` anew.
    sql = f"""
        SELECT facts.value FROM facts_index JOIN facts ON facts.key = facts_index.key
        WHERE facts_index MATCH ? ORDER BY {order} LIMIT ?
    """
    return _values(connection, sql, expression, limit)


def _containing(connection: sqlite3.Connection, text: str, limit: int) -> list[str]:
    sql = """
        SELECT value FROM facts WHERE instr(lowered(key), ?) OR instr(lowered(value), ?) ORDER BY rowid LIMIT ?
    """
    return _values(connection, sql, text, text, limit)


def _values(connection: sqlite3.Connection, sql: str, *parameters: Any) -> list[str]:
    return [row[0] for row in connection.execute(sql, parameters)]


def _prepare(connection: sqlite3.Connection) -> None:
    if _is_prepared(connection):
        return
    # Another program may be opening the same file.
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if not _is_prepared(connection):
            _create(connection)


def _is_prepared(connection: sqlite3.Connection) -> bool:
    return _has_index(connection) and not _missing_columns(connection)


def _has_index(connection: sqlite3.Connection) -> bool:
    # Made last.
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts_removed'").fetchone())


def _missing_columns(connection: sqlite3.Connection) -> list[str]:
    columns = {row[1] for row in connection.execute("PRAGMA table_info (messages)")}
    return [column for column in _LATER_COLUMNS if column not in columns]


def _create(connection: sqlite3.Connection) -> None:
    _execute_all(connection, _TABLES)
    for column in _missing_columns(connection):
        connection.execute(f"ALTER TABLE messages ADD COLUMN {column} TEXT")
    if not _has_index(connection):
        _execute_all(connection, _INDEX)


def _execute_all(connection: sqlite3.Connection, script: str) -> None:
    for statement in statements(script):
        connection.execute(statement)
