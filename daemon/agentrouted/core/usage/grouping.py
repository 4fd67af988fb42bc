"""What the rows of `usage` are grouped by."""

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import from_json

from agentrouted.core.errors import InvalidParams
from agentrouted.core.times import seconds_of
from agentrouted.core.usage.keys import KEYS
from agentrouted_protocol.usage import GroupKey

Group = tuple[Any, ...]
"""A value of each column: what some calls have in common."""

_WIDTH: Final = 4


@dataclass(frozen=True, slots=True)
class Grouping:
    """By columns that rows can be sorted by: the day, the session, and one place for all names together.

    A place is the rank of the names that are asked for among those there are: numbers are sorted in half the time of
    several texts, and named only where they are sent.
    """

    keys: tuple[GroupKey, ...]
    columns: tuple[str, ...]
    named: tuple[GroupKey, ...]
    names: Sequence[tuple[str, ...]]
    """By place."""

    places: bytes
    """Of the rows of `usage_keys`, by their ids: found faster than by a join, whatever SQLite makes of that."""

    @classmethod
    def read(cls, connection: sqlite3.Connection, keys: Iterable[GroupKey]) -> "Grouping":
        keys = tuple(dict.fromkeys(keys))
        named = tuple(key for key in keys if key in KEYS)
        query = f"SELECT {', '.join(('id', *named))} FROM usage_keys"
        names_of = {id_: names for id_, *names in connection.execute(query)} if named else {}
        in_order = sorted({tuple(names) for names in names_of.values()})
        place_of = {names: _place(number) for number, names in enumerate(in_order)}
        places = bytearray(_WIDTH * (max(names_of, default=0) + 1))
        for id_, names in names_of.items():
            places[_WIDTH * id_ : _WIDTH * (id_ + 1)] = place_of[tuple(names)]
        columns = dict.fromkeys("place" if key in KEYS else key for key in keys)
        return cls(keys, tuple(columns), named, in_order, bytes(places))

    @property
    def selected(self) -> list[str]:
        """The columns in SQL; one of these has `places` as its parameter."""
        place = f"substr(?, {_WIDTH} * keys + 1, {_WIDTH}) AS place"
        return [place if column == "place" else column for column in self.columns]

    def values(self, column: str, value: Any) -> dict[str, str]:
        """What one of a group stands for, in words."""
        if column == "place":
            return dict(zip(self.named, self.names[int.from_bytes(value)], strict=True))
        return {column: datetime.fromtimestamp(value, UTC).date().isoformat() if column == "day" else value}

    def cursor(self, group: Group) -> list[str]:
        values = [self.values(*each) for each in zip(self.columns, group, strict=True)]
        return [one[key] for key in self.keys for one in values if key in one]

    def after(self, cursor: str) -> Group:
        """The group that a page has ended with."""
        try:
            found = from_json(cursor)
        except ValueError:
            found = None
        if not isinstance(found, list) or [type(value) for value in found] != [str] * len(self.keys):
            raise InvalidParams("`cursor` is not from a page of this usage", hint="pass on `nextCursor` as it is")
        values = dict(zip(self.keys, found, strict=True))
        return tuple(self._in_order(column, values) for column in self.columns)

    def _in_order(self, column: str, values: dict[GroupKey, str]) -> Any:
        if column == "place":
            place = bisect_right(self.names, tuple(values[key] for key in self.named))
            # Before the first of them is nothing.
            return _place(place - 1) if place else b""
        return int(seconds_of(values["day"], "cursor")) if column == "day" else values["session"]


def _place(number: int) -> bytes:
    return number.to_bytes(_WIDTH)
