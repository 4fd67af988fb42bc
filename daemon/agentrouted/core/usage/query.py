"""`usage`: the ledger, grouped as asked."""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from agentrouted.core.times import seconds_of
from agentrouted.core.usage.periods import BY_DAY, BY_HOUR, BY_ONE, BY_SESSION, BY_SPAN, DAY, SPAN, Level
from agentrouted.core.usage.rows import OF_TREE
from agentrouted.core.usage.sums import COUNTED, COUNTS, NOT_SUMMED
from agentrouted_protocol.usage import GroupKey, UsageParams, UsageRow, UsageTotals

# The end of time, as far as whole spans go.
_NEVER: Final = 10**11 // SPAN * SPAN

Source = tuple[str, Sequence[Any]]
_ROWS: Final = TypeAdapter(list[UsageRow])


def find_usage(connection: sqlite3.Connection, params: UsageParams) -> tuple[list[UsageRow], UsageTotals]:
    """What the sums are for is taken from them, what is left at the ends from the calls themselves."""
    groups = list(dict.fromkeys(params.group_by))
    sources = list(_sources(params, groups))
    named = (
        "date(day, 'unixepoch') AS day" if group == "day" else f"NULLIF({group}, '') AS {group}" for group in groups
    )
    selected = ", ".join([*named, *(f"SUM({name}) AS {name}" for name in COUNTS)])
    union = " UNION ALL ".join(query for query, _ in sources)
    order = f" GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else ""
    found = connection.execute(
        f"SELECT {selected} FROM ({union}){order}", [value for _, values in sources for value in values]
    )
    columns = (*groups, *COUNTS)
    rows = [dict(zip(columns, row, strict=True)) for row in found]
    totals = UsageTotals(**{name: sum(row[name] or 0 for row in rows) for name in COUNTS})
    # All at once: one by one they take longer than the query.
    return _ROWS.validate_python(rows) if groups else [], totals


def _sources(params: UsageParams, groups: Sequence[GroupKey]) -> Iterator[Source]:
    since, until = seconds_of(params.since, "since"), seconds_of(params.until, "until")
    conditions, values = _conditions(params)
    levels = () if conditions else _levels(frozenset(groups))
    for level, start, end in _pieces(since or 0.0, _NEVER if until is None else until, levels):
        if level is None:
            yield f"{_of_calls(groups)} WHERE at >= ? AND at < ?{conditions}", (start, end, *values)
        else:
            yield f"{_of_sums(level, groups)} WHERE level = ? AND start >= ? AND start < ?", (level.number, start, end)
            yield f"{_of_calls(groups)} WHERE {NOT_SUMMED} AND +at >= ? AND +at < ?", (start, end)


def _levels(groups: frozenset[GroupKey]) -> Sequence[Level]:
    names = groups - {"day"}
    if names == {"session"}:
        return (BY_ONE["session"],)
    if "session" in names:
        return (BY_SESSION,)
    if len(names) <= 1:
        return BY_ONE[next(iter(names), "kind")], BY_HOUR
    return (BY_DAY, BY_HOUR) if "day" in groups else (BY_SPAN, BY_DAY, BY_HOUR)


def _of_calls(groups: Sequence[GroupKey]) -> str:
    day = f"CAST(at / {DAY} AS INTEGER) * {DAY} AS day"
    counts = (f"{counted} AS {name}" for counted, name in zip(COUNTED, COUNTS, strict=True))
    selected = [*(day if group == "day" else group for group in groups), *counts]
    return f"SELECT {', '.join(selected)} FROM calls{_keys(groups)}"


def _of_sums(level: Level, groups: Sequence[GroupKey]) -> str:
    named = {"day": f"start / {DAY} * {DAY} AS day", level.name: f"name AS {level.name}"}
    selected = [*(named.get(group, group) for group in groups), *COUNTS]
    return f"SELECT {', '.join(selected)} FROM usage_sums{_keys(groups) if level.has_keys else ''}"


def _keys(groups: Sequence[GroupKey]) -> str:
    return " JOIN usage_keys ON usage_keys.id = keys" if BY_ONE.keys() & set(groups) else ""


def _conditions(params: UsageParams) -> Source:
    query, values = "", []
    if params.run_id is not None:
        query += f" AND {OF_TREE}"
        values += [params.run_id, params.run_id]
    if params.session_id is not None:
        query += " AND session = ?"
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
