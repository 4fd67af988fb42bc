"""Which rows have no vector yet, and their texts."""

import sqlite3
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

from agentrouted.core.endpoint import Boundary
from agentrouted.core.memory.scopes import NumberedScope, Range, all_scopes, range_of_row, ranges_of
from agentrouted.core.memory.vectors.embed import Within

# Of one call: few enough for a small model on this machine, and not too many calls for a large memory.
_TEXTS: Final = 32
_CHARACTERS: Final = 8000

LONGEST_TEXT: Final = 2000
"""Characters of a text that its vector is made of."""

_BOUNDARIES: Final[tuple[Boundary, ...]] = ("free", "local")


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that have no vector yet, all within the same, and their texts."""

    within: Within
    rows: Sequence[int]
    texts: Sequence[str]


@dataclass(slots=True)
class _Stretch:
    """Rows of one range, all within the same. They are filled in order."""

    within: Within
    up_to: int
    """The last row below which nothing is missing."""

    last: int
    """The last row that was there when it was looked at."""

    missing: int = 0
    """At most: what was forgotten since is counted until its row is reached."""


class Missing:
    """Looks where something was added, and nowhere else."""

    def __init__(self) -> None:
        self._scopes: set[NumberedScope] = set()
        """As they were at the last look."""

        self._stretches: dict[tuple[int, Boundary | None], _Stretch] = {}
        """By the first row of the range, and by boundary: rows that one keeps back hold up no others."""

    @property
    def total(self) -> int:
        return sum(each.missing for each in self._stretches.values())

    def look(self, connection: sqlite3.Connection) -> None:
        """See what was added since the last look."""
        scopes = set(all_scopes(connection))
        changed, self._scopes = sorted(scopes - self._scopes), scopes
        boundaries = [None, *(each for each in _BOUNDARIES if _is_used(connection, each))] if changed else []
        for scope in changed:
            for part in ranges_of(scope):
                for boundary in boundaries:
                    self._look_at(connection, part, Within(scope[1], boundary))

    def next_batch(self, connection: sqlite3.Connection, without: Container[Within]) -> Batch | None:
        """None when nothing was missing at the last look but what is within one of `without`."""
        for within in (each.within for each in self._stretches.values() if each.missing):
            if within not in without and (texts := self._texts(connection, within)):
                return Batch(within, *zip(*texts, strict=True))
        return None

    def done(self, batch: Batch) -> None:
        """It has its vectors."""
        for row in batch.rows:
            stretch = self._stretches[range_of_row(row), batch.within.boundary]
            stretch.up_to = row
            stretch.missing = max(stretch.missing - 1, 0)

    def _look_at(self, connection: sqlite3.Connection, part: Range, within: Within) -> None:
        key, last = (part.first, within.boundary), part.first + part.rows
        if key not in self._stretches:
            filled = _filled_up_to(connection, part, within.boundary)
            self._stretches[key] = _Stretch(within, up_to=filled, last=filled)
        stretch = self._stretches[key]
        if stretch.last != last:
            stretch.up_to = stretch.up_to if stretch.missing else stretch.last
            stretch.last = last
            stretch.missing = _count(connection, stretch)

    def _texts(self, connection: sqlite3.Connection, within: Within) -> list[tuple[int, str]]:
        """As many as go into one call, with their rows."""
        found: list[tuple[int, str]] = []
        for stretch in self._stretches.values():
            if stretch.missing and stretch.within == within:
                texts = _texts_of(connection, stretch)
                if not texts:
                    stretch.missing = 0
                found += texts
                if len(fitting := _fitting(found)) < len(found):
                    return fitting
        return found


def _fitting(texts: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """At least one."""
    characters = 0
    for count, (_, text) in enumerate(texts):
        characters += len(text)
        if count == _TEXTS or (count and characters > _CHARACTERS):
            return texts[:count]
    return texts


def _is_used(connection: sqlite3.Connection, boundary: Boundary) -> bool:
    return connection.execute("SELECT 1 FROM memories WHERE boundary = ? LIMIT 1", (boundary,)).fetchone() is not None


def _filled_up_to(connection: sqlite3.Connection, part: Range, boundary: Boundary | None) -> int:
    """A row comes to be within a boundary by an import, too, after later ones were filled."""
    found = None
    if boundary is None:
        found = connection.execute(
            "SELECT memory FROM memory_vectors CROSS JOIN memories ON memories.id = memory"
            " WHERE memory BETWEEN ? AND ? AND boundary IS NULL ORDER BY memory DESC LIMIT 1",
            (part.first, part.last),
        ).fetchone()
    return part.first if found is None else int(found[0])


_MISSING: Final = (
    "id > ? AND id <= ? AND text != '' AND NOT EXISTS (SELECT 1 FROM memory_vectors WHERE memory = memories.id)"
)


def _count(connection: sqlite3.Connection, stretch: _Stretch) -> int:
    found = connection.execute(
        f"SELECT COUNT(*) FROM memories WHERE {_MISSING} AND {_said_within(stretch)}", (stretch.up_to, stretch.last)
    )
    return int(found.fetchone()[0])


def _texts_of(connection: sqlite3.Connection, stretch: _Stretch) -> list[tuple[int, str]]:
    """A fact's key says what it is about, too."""
    found = connection.execute(
        "SELECT id, CASE WHEN key IS NULL THEN '' ELSE key || ': ' END || text FROM memories"
        f" WHERE {_MISSING} AND {_said_within(stretch)} ORDER BY id LIMIT ?",
        (stretch.up_to, stretch.last, _TEXTS + 1),
    )
    return [(row, text.strip()[:LONGEST_TEXT]) for row, text in found]


def _said_within(stretch: _Stretch) -> str:
    boundary = stretch.within.boundary
    return "boundary IS NULL" if boundary is None else f"boundary = '{boundary}'"
