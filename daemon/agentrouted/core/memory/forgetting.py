"""Facts, messages, sessions and scopes that go."""

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from agentrouted.core.errors import InvalidParams
from agentrouted.core.memory.facts import conditions
from agentrouted.core.memory.scopes import find_scope, whole_range
from agentrouted.core.memory.sessions import find_session
from agentrouted.core.memory.terms import clean
from agentrouted.core.memory.traces import remove, traces_of
from agentrouted.core.times import seconds_of
from agentrouted_protocol.memory import MemoryForgetParams
from agentrouted_protocol.scope import Scope


def forget(connection: sqlite3.Connection, params: MemoryForgetParams) -> int:
    """How many facts and messages are gone, or would be where `params` only ask for that."""
    condition, values = _condition(params)
    scope = find_scope(connection, params.scope or Scope())
    if scope is None:
        return 0
    # What has expired goes with the others, but for who asks it was gone before.
    forgotten = _count(connection, scope.id, condition, values)
    if not params.dry_run:
        forget_rows(connection, scope.id, condition, values)
    return forgotten


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


def forget_session(connection: sqlite3.Connection, session_id: str, scope: Scope | None) -> int:
    """How many messages it had. Raises `Conflict` where the session is in another scope than `scope`."""
    found = find_session(connection, clean(session_id), scope)
    if found is None:
        return 0
    session, owner = found
    cleared = connection.execute("DELETE FROM memories WHERE session = ?", (session,)).rowcount
    connection.execute("DELETE FROM memory_sessions WHERE id = ?", (session,))
    _forget_scope(connection, owner)
    return cleared


def _condition(params: MemoryForgetParams) -> tuple[str, Sequence[Any]]:
    """What is to go, as SQL over `memories`."""
    named = [value for value in (params.id, params.key, params.filter) if value is not None]
    if len(named) > 1 or not (named or params.scope):
        raise InvalidParams("name one of `id`, `key` and `filter`", hint="or only a `scope`: then all of it goes")
    if params.id is not None:
        return "uid = ?", [clean(params.id)]
    if params.key is not None:
        return "key = ?", [clean(params.key)]
    wanted = params.filter
    if wanted is None:
        return "TRUE", []
    since, until = seconds_of(wanted.since, "filter.since"), seconds_of(wanted.until, "filter.until")
    return conditions(wanted.kinds, wanted.tags, since, until)


def _count(connection: sqlite3.Connection, scope: int, condition: str, values: Sequence[Any]) -> int:
    counted: int = connection.execute(
        f"SELECT COUNT(*) FROM memories WHERE scope = ? AND id BETWEEN ? AND ? AND ({condition})"
        " AND (expires_at IS NULL OR expires_at > ?)",
        (scope, *whole_range(scope), *values, time.time()),
    ).fetchone()[0]
    return counted


def _forget_scope(connection: sqlite3.Connection, scope: int) -> None:
    connection.execute(
        "DELETE FROM memory_scopes WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM memory_sessions WHERE scope = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM memories WHERE id BETWEEN ?2 AND ?3)",
        (scope, *whole_range(scope)),
    )
