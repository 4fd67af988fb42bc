"""The file of one program's memory, opened."""

import sqlite3
from pathlib import Path
from typing import Final

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
    # Not `executescript`, which would end the transaction.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
