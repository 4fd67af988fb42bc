"""`usage`: the ledger, grouped as asked."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.usage.grouping import Group, Grouping
from agentrouted.core.usage.sources import sources
from agentrouted.core.usage.sums import COUNTS
from agentrouted_protocol.usage import UsageParams, UsageTotals

_NAMES: Final = {UsageTotals.model_fields[name].alias or name: name for name in COUNTS}
"""As they are sent, and as the tables have them."""

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
    """Rows are in the order of what they are grouped by; all names stand together, where the first of them does."""
    grouping = Grouping.read(connection, params.group_by)
    after = () if params.cursor is None else grouping.after(params.cursor)
    totals = _find(connection, params, Grouping.read(connection, ()), (), _sums(_NAMES)).get((), _NOTHING)
    # What is nothing in all of them is nothing in each: it need not be added up.
    some = [name for name, total in from_json(totals).items() if total]
    found = _find(connection, params, grouping, after, _sums(some)) if grouping.keys and some else {}
    page = sorted(found)[: params.limit]
    return Found(
        rows=list(_sent(grouping, page, found)),
        totals=totals,
        next_cursor=to_json(grouping.cursor(page[-1])).decode() if len(page) < len(found) else None,
    )


def _sums(some: Collection[str]) -> str:
    """JSON that SQLite writes: it takes less time for that than to make numbers of Python of them."""
    formats = {name: "0" if name not in some else "%!.15g" if name == "costUsd" else "%d" for name in _NAMES}
    json = ",".join(f'"{name}":{format_}' for name, format_ in formats.items())
    return f"printf('{{{json}}}', {', '.join(f'SUM({_NAMES[name]})' for name in _NAMES if name in some)})"


def _find(
    connection: sqlite3.Connection, params: UsageParams, grouping: Grouping, after: Group, summed: str
) -> dict[Group, str]:
    """Groups `after` this one, with their sums: at least those of a page, and one more if there is one."""
    found = dict[Group, str]()
    columns = ", ".join(grouping.columns)
    where = f" WHERE ({columns}) > ({', '.join('?' for _ in after)})" if after else ""
    order = f" GROUP BY {columns} ORDER BY {columns}" if columns else " GROUP BY NULL"
    places = [grouping.places] if "place" in grouping.columns else []
    # Each source by itself: put together first, they take longer to sort.
    for source, values in sources(params, frozenset(grouping.keys)):
        query = f"SELECT {', '.join([*grouping.selected, summed])} FROM ({source}){where}{order} LIMIT ?"
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
