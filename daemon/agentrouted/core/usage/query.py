"""`usage`: the ledger, grouped as asked."""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from agentrouted.core.times import seconds_of
from agentrouted.core.usage.periods import BY_DAY, BY_HOUR, BY_SESSION, BY_SPAN, DAY, HOUR, SPAN
from agentrouted.core.usage.rows import COUNTED, COUNTS
from agentrouted_protocol.usage import GroupKey, UsageParams, UsageRow, UsageTotals

# The end of time, as far as whole spans go.
_NEVER: Final = 10**11 // SPAN * SPAN

# Levels of sums, with the time that each row is for.
_LEVELS: Final = ((BY_SPAN, SPAN), (BY_DAY, DAY), (BY_HOUR, HOUR))
_DAY_LEVELS: Final = ((BY_DAY, DAY), (BY_HOUR, HOUR))
_SESSION_LEVELS: Final = ((BY_SESSION, DAY),)

_GROUPS: Final[dict[GroupKey, str]] = {"day": f"CAST(at / {DAY} AS INTEGER)"}
_OF_KEYS: Final = frozenset({"model", "provider", "client", "workspace", "agent", "kind"})

Source = tuple[str, Sequence[Any]]


def find_usage(connection: sqlite3.Connection, params: UsageParams) -> tuple[list[UsageRow], UsageTotals]:
    """What the sums are for is taken from them, what is left at the ends from the calls themselves."""
    groups = list(dict.fromkeys(params.group_by))
    sources = list(_sources(params))
    selected = ", ".join([*(_GROUPS.get(group, group) for group in groups), *(f"SUM({name})" for name in COUNTS)])
    union = " UNION ALL ".join(query for query, _ in sources)
    join = " JOIN usage_keys ON usage_keys.id = keys" if _OF_KEYS & set(groups) else ""
    numbers = ", ".join(str(number) for number, _ in enumerate(groups, 1))
    order = f" GROUP BY {numbers} ORDER BY {numbers}" if groups else ""
    found = connection.execute(
        f"SELECT {selected} FROM ({union}){join}{order}", [value for _, values in sources for value in values]
    ).fetchall()
    totals = UsageTotals(**_counts([sum(row[place] or 0 for row in found) for place in _places(groups)]))
    if not groups:
        return [], totals
    return [UsageRow(**_named(groups, row), **_counts(row[len(groups) :])) for row in found], totals


def _sources(params: UsageParams) -> Iterator[Source]:
    since, until = seconds_of(params.since, "since"), seconds_of(params.until, "until")
    conditions, values = _conditions(params)
    levels = () if conditions else _levels(params.group_by)
    pieces = _pieces(since or 0.0, _NEVER if until is None else until, levels)
    for level, start, end in pieces:
        if level is None:
            yield (
                f"SELECT at, session, keys, {_as_counts()} FROM calls WHERE at >= ? AND at < ?{conditions}",
                (start, end, *values),
            )
        else:
            yield (
                f"SELECT start AS at, session, keys, {', '.join(COUNTS)} FROM usage_sums"
                " WHERE level = ? AND start >= ? AND start < ?",
                (level, start, end),
            )


def _levels(groups: Sequence[GroupKey]) -> Sequence[tuple[int, int]]:
    if "session" in groups:
        return _SESSION_LEVELS
    return _DAY_LEVELS if "day" in groups else _LEVELS


def _conditions(params: UsageParams) -> Source:
    query, values = "", []
    if params.run_id is not None:
        query += " AND (run_id = ? OR tree = ?)"
        values += [params.run_id, params.run_id]
    if params.session_id is not None:
        query += " AND session = ?"
        values.append(params.session_id)
    return query, values


def _pieces(since: float, until: float, levels: Sequence[tuple[int, int]]) -> Iterator[tuple[int | None, float, float]]:
    """The time from `since` to `until`, in as coarse pieces as these levels have; None is the calls themselves."""
    if not levels:
        yield None, since, until
        return
    (level, unit), *finer = levels
    first, last = math.ceil(since / unit) * unit, math.floor(until / unit) * unit
    if first >= last:
        yield from _pieces(since, until, finer)
        return
    yield level, first, last
    for start, end in ((since, first), (last, until)):
        if start < end:
            yield from _pieces(start, end, finer)


def _as_counts() -> str:
    return ", ".join(f"{counted} AS {name}" for counted, name in zip(COUNTED, COUNTS, strict=True))


def _places(groups: Sequence[GroupKey]) -> range:
    return range(len(groups), len(groups) + len(COUNTS))


def _counts(values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(COUNTS, values, strict=True))


def _named(groups: Sequence[GroupKey], row: Sequence[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {group: value for group, value in zip(groups, row, strict=False) if value != ""}
    if "day" in named:
        named["day"] = datetime.fromtimestamp(named["day"] * DAY, UTC).date().isoformat()
    return named
