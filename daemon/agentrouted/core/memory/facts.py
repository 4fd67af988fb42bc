"""Facts in the file, by key: kept, found, forgotten."""

import re
import sqlite3
from typing import Any, Final

_MOST_WORDS: Final = 64


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
