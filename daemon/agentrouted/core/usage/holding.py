"""What is set aside for calls, within limits shared by all."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

from agentrouted.core.usage.call import Call
from agentrouted.core.usage.limits import Held, Limit, Reached, Standing
from agentrouted.core.usage.rows import OF_TREE, keys_of, open_row
from agentrouted.core.usage.sums import NOT_SUMMED
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.usage import BudgetUnit

# Sums of floating point are not exact: a limit is reached a hair's breadth later.
_HAIR: Final = 1 + 1e-9

_FROM_SUMS: Final[dict[BudgetUnit, str]] = {
    "usd": "cost_usd",
    "tokens": "input_tokens + output_tokens",
    "calls": "calls - errors",
}
_FROM_CALLS: Final[dict[BudgetUnit, str]] = {**_FROM_SUMS, "calls": "status IN ('ok', 'cancelled')"}
_FROM_OPEN: Final[dict[BudgetUnit, str]] = {"usd": "usd", "tokens": "tokens", "calls": "1"}

Query = tuple[str, Sequence[Any]]
_MARKS: Final[tuple[Literal[80, 100], ...]] = (80, 100)


def hold(
    connection: sqlite3.Connection,
    id_: str,
    owner: str,
    call: Call,
    so_far: Usage,
    held: Held,
    limits: Sequence[Limit],
) -> Standing | None:
    """Begin a call, if all limits have room for it: one statement decides. The limit that has none, if there is one."""
    keys = keys_of(connection, call)
    row = (id_, owner, call.at, keys, call.tree, held.usd, held.tokens, open_row(call, keys, so_far))
    rooms = [_has_room(limit, call, held) for limit in limits]
    have_room = " AND ".join(["TRUE", *(query for query, _ in rooms)])
    begun = connection.execute(
        f"INSERT INTO open_calls SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE {have_room}",
        [*row, *(value for _, values in rooms for value in values)],
    )
    if begun.rowcount == 1:
        return None
    standings = [standing(connection, limit, call.at, call.tree) for limit in limits]
    return min(standings, key=lambda each: (each.left - held.of(each.limit.unit)) / (each.limit.amount or 1))


def standing(connection: sqlite3.Connection, limit: Limit, at: float, tree: str = "") -> Standing:
    queries = _spent(limit, at, tree), _held(limit, at, tree)
    return Standing(limit, *(connection.execute(*query).fetchone()[0] for query in queries))


def mark(connection: sqlite3.Connection, call: Call, limits: Iterable[Limit]) -> list[Reached]:
    """Which limits were nearly, or wholly, used up by a call that has ended."""
    reached = []
    for limit in limits:
        spent = connection.execute(*_spent(limit, call.at, call.tree)).fetchone()[0]
        begin = call.tree if limit.per == "run" else limit.window(call.at).start
        # Of the same name, it is another one where it counts other calls, or for another time.
        window = f"{limit.per} {begin} {limit.patterns}"
        for percent in _MARKS:
            if limit.amount and spent * _HAIR >= limit.amount * percent / 100:
                marked = connection.execute(
                    "INSERT OR IGNORE INTO budget_marks VALUES (?, ?, ?, ?, ?)",
                    (limit.name, limit.unit, limit.amount, window, percent),
                )
                reached += [Reached(limit, percent, spent, call.at)] if marked.rowcount == 1 else []
    return reached


def _has_room(limit: Limit, call: Call, held: Held) -> Query:
    (spent, of_spent), (open_, of_open) = _spent(limit, call.at, call.tree), _held(limit, call.at, call.tree)
    return f"({spent}) + ({open_}) + ? <= ?", (*of_spent, *of_open, held.of(limit.unit), limit.amount * _HAIR)


def _spent(limit: Limit, at: float, tree: str) -> Query:
    if limit.per == "run":
        return _sum(_FROM_CALLS[limit.unit], "calls", OF_TREE, (tree, tree), limit)
    level, start, end = limit.window(at)
    where = "level = ? AND start >= ? AND start < ?"
    summed, of_summed = _sum(_FROM_SUMS[limit.unit], "usage_sums", where, (level.number, start, end), limit)
    where = f"{NOT_SUMMED} AND +at >= ? AND +at < ?"
    others, of_others = _sum(_FROM_CALLS[limit.unit], "calls", where, (start, end), limit)
    return f"SELECT ({summed}) + ({others})", (*of_summed, *of_others)


def _held(limit: Limit, at: float, tree: str) -> Query:
    if limit.per == "run":
        return _sum(_FROM_OPEN[limit.unit], "open_calls", "tree = ?", (tree,), limit)
    _, start, end = limit.window(at)
    return _sum(_FROM_OPEN[limit.unit], "open_calls", "at >= ? AND at < ?", (start, end), limit)


def _sum(what: str, table: str, where: str, values: Sequence[Any], limit: Limit) -> Query:
    globs = "".join(f" AND {column} GLOB ?" for column, _ in limit.patterns)
    join = " JOIN usage_keys ON usage_keys.id = keys" if globs else ""
    query = f"SELECT COALESCE(SUM({what}), 0) FROM {table}{join} WHERE {where}{globs}"
    return query, (*values, *(pattern for _, pattern in limit.patterns))
