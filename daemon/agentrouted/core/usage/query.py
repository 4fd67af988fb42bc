"""`usage`: the ledger, grouped as asked."""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.errors import InvalidParams
from agentrouted.core.times import seconds_of
from agentrouted.core.usage.keys import KEYS
from agentrouted.core.usage.periods import (
    BY_DAY,
    BY_FEW,
    BY_HOUR,
    BY_SESSION,
    BY_SESSION_ONLY,
    BY_SPAN,
    DAY,
    EVER,
    Level,
)
from agentrouted.core.usage.rows import OF_TREE
from agentrouted.core.usage.sums import COUNTED, COUNTS, NOT_SUMMED
from agentrouted_protocol.usage import GroupKey, UsageParams, UsageTotals

_NAMES: Final = tuple(UsageTotals.model_fields[name].alias or name for name in COUNTS)

Source = tuple[str, Sequence[Any]]
Group = tuple[Any, ...]
"""What its calls have in common; what is not known is empty."""

Row = tuple[Any, ...]
"""A group, and the sums of its calls."""


@dataclass(frozen=True, slots=True)
class Found:
    """As it goes over the wire: to make models of thousands of rows takes longer than to find them."""

    rows: list[dict[str, Any]]
    totals: dict[str, Any]
    next_cursor: str | None


def find_usage(connection: sqlite3.Connection, params: UsageParams) -> Found:
    """What the sums are for is taken from them, what is left at the ends from the calls themselves."""
    groups = tuple(dict.fromkeys(params.group_by))
    after = _after(params.cursor, groups)
    totals = _find(connection, params, (), ()).get((), (0,) * len(COUNTS))
    found = _find(connection, params, groups, after) if groups else {}
    page = sorted(found)[: params.limit]
    return Found(
        rows=[_sent(groups, found[group]) for group in page],
        totals=_sent((), totals),
        next_cursor=to_json(page[-1]).decode() if len(page) < len(found) else None,
    )


def _find(
    connection: sqlite3.Connection, params: UsageParams, groups: Sequence[GroupKey], after: Group
) -> dict[Group, Row]:
    """Groups `after` this one: at least those of a page, and one more if there is one."""
    found, count = dict[Group, Row](), len(groups)
    said = ["date(day, 'unixepoch')" if name == "day" else name for name in groups]
    selected = ", ".join([*said, *(f"SUM({name})" for name in COUNTS)])
    where = f" WHERE ({', '.join(said)}) > ({', '.join('?' * count)})" if after else ""
    order = f" GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else " GROUP BY NULL"
    # Each source by itself: put together first, they take twice as long to sort.
    for source, values in _sources(params, groups):
        query = f"SELECT {selected} FROM ({source}){where}{order} LIMIT ?"
        for row in connection.execute(query, (*values, *after, params.limit + 1)):
            group = row[:count]
            before = found.get(group)
            found[group] = row if before is None else (*group, *map(add, before[count:], row[count:]))
    return found


def _sent(groups: Sequence[GroupKey], row: Row) -> dict[str, Any]:
    """What is not known of a key is left out."""
    sent = dict(zip((*groups, *_NAMES), row, strict=True))
    for name in groups:
        if not sent[name]:
            del sent[name]
    return sent


def _after(cursor: str | None, groups: Sequence[GroupKey]) -> Group:
    if cursor is None:
        return ()
    try:
        group = from_json(cursor)
    except ValueError:
        group = None
    if not isinstance(group, list) or [type(value) for value in group] != [str] * len(groups):
        raise InvalidParams("`cursor` is not from a page of this usage", hint="pass on `nextCursor` as it is")
    return tuple(group)


def _sources(params: UsageParams, groups: Sequence[GroupKey]) -> Iterator[Source]:
    since, until = seconds_of(params.since, "since"), seconds_of(params.until, "until")
    conditions, values = _conditions(params)
    levels = () if conditions else _levels(frozenset(groups))
    for level, start, end in _pieces(since or 0.0, EVER if until is None else until, levels):
        if level is None:
            yield f"{_of_calls(groups)} WHERE at >= ? AND at < ?{conditions}", (start, end, *values)
        else:
            # In one piece of time, rows are in order: a page of them is found without a look at the others.
            within = "start = ? AND ?" if end - start == level.unit else "start >= ? AND start < ?"
            yield f"{_of_sums(groups)} WHERE level = ? AND {within}", (level.number, start, end)
            yield f"{_of_calls(groups)} WHERE {NOT_SUMMED} AND +at >= ? AND +at < ?", (start, end)


def _levels(groups: frozenset[GroupKey]) -> Sequence[Level]:
    names = groups - {"day"} or frozenset[GroupKey]({"kind"})
    if "session" in names:
        days = BY_SESSION_ONLY if len(names) == 1 else BY_SESSION
        return (BY_FEW[names], days) if names in BY_FEW and "day" not in groups else (days,)
    if len(names) <= 2:
        return BY_FEW[names], BY_HOUR
    return (BY_DAY, BY_HOUR) if "day" in groups else (BY_SPAN, BY_DAY, BY_HOUR)


def _of_calls(groups: Sequence[GroupKey]) -> str:
    day = f"CAST(at / {DAY} AS INTEGER) * {DAY} AS day"
    counts = (f"{counted} AS {name}" for counted, name in zip(COUNTED, COUNTS, strict=True))
    selected = [*(day if group == "day" else group for group in groups), *counts]
    return f"SELECT {', '.join(selected)} FROM calls{_keys(groups)}"


def _of_sums(groups: Sequence[GroupKey]) -> str:
    selected = [*(f"start / {DAY} * {DAY} AS day" if group == "day" else group for group in groups), *COUNTS]
    return f"SELECT {', '.join(selected)} FROM usage_sums{_keys(groups)}"


def _keys(groups: Sequence[GroupKey]) -> str:
    return " JOIN usage_keys ON usage_keys.id = keys" if set(KEYS) & set(groups) else ""


def _conditions(params: UsageParams) -> Source:
    query, values = "", []
    if params.run_id is not None:
        query += f" AND {OF_TREE}"
        values += [params.run_id, params.run_id]
    if params.session_id is not None:
        # Those without a session are not in its index.
        query += " AND session = ? AND session != ''"
        values.append(params.session_id)
    return query, values


def _pieces(since: float, until: float, levels: Sequence[Level]) -> Iterator[tuple[Level | None, float, float]]:
    """The time from `since` to `until`, in as coarse pieces as these levels have; None is the calls themselves."""
    if not levels:
        yield None, since, until
        return
    level, *finer = levels
    first, last = math.ceil(since / level.unit) * level.unit, math.floor(until / level.unit) * level.unit
    if first >= last:
        yield from _pieces(since, until, finer)
        return
    yield level, first, last
    for start, end in ((since, first), (last, until)):
        if start < end:
            yield from _pieces(start, end, finer)
