"""Where the sums that `usage` asks for are taken from."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from agentrouted.core.times import seconds_of
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
from agentrouted_protocol.usage import GroupKey, UsageParams

Source = tuple[str, Sequence[Any]]

_OF_SUMS: Final = f"SELECT keys, session, start / {DAY} * {DAY} AS day, {', '.join(COUNTS)} FROM usage_sums"
_OF_CALLS: Final = (
    f"SELECT keys, session, CAST(at / {DAY} AS INTEGER) * {DAY} AS day,"
    f" {', '.join(f'{counted} AS {name}' for counted, name in zip(COUNTED, COUNTS, strict=True))} FROM calls"
)


def sources(params: UsageParams, groups: frozenset[GroupKey]) -> Iterator[Source]:
    """All calls that are meant, each in one of these: in sums as far as there are any, else in the calls themselves."""
    since, until = seconds_of(params.since, "since"), seconds_of(params.until, "until")
    conditions, values = _conditions(params)
    levels = () if conditions else _levels(groups)
    for level, start, end in _pieces(since or 0.0, EVER if until is None else until, levels):
        if level is None:
            yield f"{_OF_CALLS} WHERE at >= ? AND at < ?{conditions}", (start, end, *values)
        else:
            # In one piece of time, rows are in order: a page of them is found without a look at the others.
            within = "start = ? AND ?" if end - start == level.unit else "start >= ? AND start < ?"
            yield f"{_OF_SUMS} WHERE level = ? AND {within}", (level.number, start, end)
            yield f"{_OF_CALLS} WHERE {NOT_SUMMED} AND +at >= ? AND +at < ?", (start, end)


def _levels(groups: frozenset[GroupKey]) -> Sequence[Level]:
    names = groups - {"day"} or frozenset[GroupKey]({"kind"})
    if "session" in names:
        days = BY_SESSION_ONLY if len(names) == 1 else BY_SESSION
        return (BY_FEW[names], days) if names in BY_FEW and "day" not in groups else (days,)
    if len(names) <= 2:
        return BY_FEW[names], BY_HOUR
    return (BY_DAY, BY_HOUR) if "day" in groups else (BY_SPAN, BY_DAY, BY_HOUR)


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
