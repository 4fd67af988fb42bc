"""`usage`: the ledger, grouped as asked."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.usage.grouping import Group, Grouping
from agentrouted.core.usage.sources import sources
from agentrouted.core.usage.sums import COUNTS
from agentrouted_protocol.usage import UsageParams, UsageTotals

_NAMES: Final = tuple(UsageTotals.model_fields[name].alias or name for name in COUNTS)
_FORMATS: Final = ",".join(f'"{name}":{"%!.15g" if name == "costUsd" else "%d"}' for name in _NAMES)

# SQLite writes the JSON: it takes less time for that than to make numbers of Python of them.
_SUMS: Final = f"printf('{{{_FORMATS}}}', {', '.join(f'SUM({name})' for name in COUNTS)})"
_NOTHING: Final = to_json(dict.fromkeys(_NAMES, 0)).decode()


@dataclass(frozen=True, slots=True)
class Found:
    """As it goes over the wire: to make models of thousands of rows takes longer than to find them."""

    rows: Sequence[str]
    """JSON."""

    totals: str
    """JSON."""

    next_cursor: str | None


def find_usage(connection: sqlite3.Connection, params: UsageParams) -> Found:
    """Rows are in the order of what they are grouped by."""
    grouping = Grouping.read(connection, params.group_by)
    after = () if params.cursor is None else grouping.after(params.cursor)
    found = _find(connection, params, grouping, after) if grouping.keys else {}
    page = sorted(found)[: params.limit]
    return Found(
        rows=list(_sent(grouping, page, found)),
        totals=_find(connection, params, Grouping.read(connection, ()), ()).get((), _NOTHING),
        next_cursor=to_json(grouping.cursor(page[-1])).decode() if len(page) < len(found) else None,
    )


def _find(connection: sqlite3.Connection, params: UsageParams, grouping: Grouping, after: Group) -> dict[Group, str]:
    """Groups `after` this one, with their sums: at least those of a page, and one more if there is one."""
    found = dict[Group, str]()
    columns = ", ".join(grouping.columns)
    where = f" WHERE ({columns}) > ({', '.join('?' for _ in after)})" if after else ""
    order = f" GROUP BY {columns} ORDER BY {columns}" if columns else " GROUP BY NULL"
    places = [grouping.places] if "place" in grouping.columns else []
    # Each source by itself: put together first, they take longer to sort.
    for source, values in sources(params, frozenset(grouping.keys)):
        query = f"SELECT {', '.join([*grouping.selected, _SUMS])} FROM ({source}){where}{order} LIMIT ?"
        for row in connection.execute(query, (*places, *values, *after, params.limit + 1)):
            group, sums = row[:-1], row[-1]
            found[group] = _added(found[group], sums) if group in found else sums
    return found


def _added(one: str, other: str) -> str:
    sums, more = from_json(one), from_json(other)
    return to_json({name: sums[name] + more[name] for name in sums}).decode()


def _sent(grouping: Grouping, page: Sequence[Group], found: Mapping[Group, str]) -> Iterator[str]:
    """What is not known of a key is left out."""

    @cache
    def said(column: str, value: Any) -> str:
        known = {key: text for key, text in grouping.values(column, value).items() if text}
        return f"{to_json(known).decode()[1:-1]}," if known else ""

    for group in page:
        yield f"{{{''.join(map(said, grouping.columns, group))}{found[group][1:]}"
