"""What is remembered for so long only, and goes then."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from agentrouted.core.config.memory import Retention
from agentrouted.core.memory.forgetting import forget_expired, forget_rows
from agentrouted.core.memory.scopes import scopes_within, whole_range
from agentrouted.core.storage.database import Database

_SECONDS_A_DAY = 86400

# Rows that are looked at in one go: others wait for it.
_AT_ONCE = 20_000


async def forget_what_expired(database: Database, now: float) -> int:
    """How many facts."""
    sql = "SELECT EXISTS (SELECT 1 FROM memories WHERE expires_at <= ?)"
    if await database.read(lambda connection: connection.execute(sql, (now,)).fetchone()[0]):
        return await database.write(partial(forget_expired, now=now))
    return 0


async def forget_what_is_old(database: Database, rules: Sequence[Retention], now: float) -> int:
    """How many facts and messages."""
    forgotten = 0
    for rule in rules:
        for scope in await database.read(partial(scopes_within, scope=rule.scope.value)):
            first, last = whole_range(scope)
            while first <= last:
                first, old = await database.read(partial(_old, rule=rule, first=first, last=last, now=now))
                if old:
                    condition = f"id IN ({', '.join(map(str, old))})"
                    forgotten += await database.write(partial(forget_rows, scope=scope, condition=condition, values=()))
    return forgotten


def _old(connection: sqlite3.Connection, rule: Retention, first: int, last: int, now: float) -> tuple[int, list[int]]:
    """Where the next rows begin, and the ids of those before that are too old."""
    kinds = rule.kinds and f"AND kind IN ({', '.join('?' * len(rule.kinds))})"
    end = connection.execute(
        f"SELECT MAX(id) FROM (SELECT id FROM memories WHERE id BETWEEN ? AND ? ORDER BY id LIMIT {_AT_ONCE})",
        (first, last),
    ).fetchone()[0]
    if end is None:
        return last + 1, []
    rows = connection.execute(
        f"SELECT id FROM memories WHERE id BETWEEN ? AND ? AND COALESCE(updated_at, created_at) < ? {kinds or ''}",
        (first, end, now - rule.keep_days * _SECONDS_A_DAY, *(rule.kinds or ())),
    )
    return end + 1, [row for (row,) in rows]
