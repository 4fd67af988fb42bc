"""Facts, messages, sessions and scopes that go."""

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from agentrouted.core.memory.scopes import whole_range
from agentrouted.core.memory.traces import remove, traces_of


def forget_expired(connection: sqlite3.Connection, now: float) -> int:
    return connection.execute("DELETE FROM memories WHERE expires_at <= ?", (now,)).rowcount


def forget_rows(connection: sqlite3.Connection, scope: int, condition: str, values: Sequence[Any]) -> int:
    """Facts and messages of a scope, and what others are found by because of them. A session without messages goes with
    its title, and an empty scope too.
    """
    going = f"scope = ? AND id BETWEEN ? AND ? AND ({condition})"
    values = (scope, *whole_range(scope), *values)
    left = traces_of(connection, going, values)
    forgotten = connection.execute(f"DELETE FROM memories WHERE {going}", values).rowcount
    connection.execute(
        "DELETE FROM memory_sessions WHERE scope = ?"
        " AND NOT EXISTS (SELECT 1 FROM memories WHERE session = memory_sessions.id)",
        (scope,),
    )
    remove(connection, left)
    _forget_scope(connection, scope)
    return forgotten


def forget_session(connection: sqlite3.Connection, session_id: str) -> int:
    found = connection.execute("SELECT id, scope FROM memory_sessions WHERE session_id = ?", (session_id,)).fetchone()
    if found is None:
        return 0
    session, scope = found
    cleared = connection.execute("DELETE FROM memories WHERE session = ?", (session,)).rowcount
    connection.execute("DELETE FROM memory_sessions WHERE id = ?", (session,))
    _forget_scope(connection, scope)
    return cleared


def count_rows(connection: sqlite3.Connection, scope: int, condition: str, values: Sequence[Any]) -> int:
    counted: int = connection.execute(
        f"SELECT COUNT(*) FROM memories WHERE id BETWEEN ? AND ? AND ({condition})"
        " AND (expires_at IS NULL OR expires_at > ?)",
        (*whole_range(scope), *values, time.time()),
    ).fetchone()[0]
    return counted


def _forget_scope(connection: sqlite3.Connection, scope: int) -> None:
    connection.execute(
        "DELETE FROM memory_scopes WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM memory_sessions WHERE scope = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM memories WHERE id BETWEEN ?2 AND ?3)",
        (scope, *whole_range(scope)),
    )
