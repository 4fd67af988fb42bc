"""Which rows have no vector yet, and their texts."""

import sqlite3
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from agentrouted.core.endpoint import Boundary
from agentrouted.core.memory.scopes import NumberedScope, all_scopes, range_of_row, ranges_of

# Of one call: few enough for a small model on this machine, and not too many calls for a large memory.
_TEXTS: Final = 32
_CHARACTERS: Final = 8000

LONGEST_TEXT: Final = 2000
"""Characters of a text that its vector is made of."""

_BOUNDARIES: Final[tuple[Boundary, ...]] = ("free", "local")


class Within(NamedTuple):
    """What says where a text may be sent."""

    workspace: str
    boundary: Boundary | None
    """In force when it was written."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that have no vector yet, all within the same, and their texts."""

    within: Within
    rows: Sequence[int]
    texts: Sequence[str]


@dataclass(slots=True)
class _Range:
    """The rows of one boundary are filled in order: those of one that keeps them back do not hold up others."""

    workspace: str
    rows: int = 0
    """That were ever put there, when it was looked at."""

    missing: int = 0
    up_to: dict[Boundary | None, int] = field(default_factory=dict)
    """The last row below which nothing is missing."""


class Missing:
    """Looks where something was added, and nowhere else."""

    def __init__(self) -> None:
        self._scopes: set[NumberedScope] = set()
        """As they were at the last look."""

        self._ranges: dict[int, _Range] = {}

    @property
    def total(self) -> int:
        """At most: what was forgotten since is counted until its row is reached."""
        return sum(each.missing for each in self._ranges.values())

    def look(self, connection: sqlite3.Connection) -> None:
        """See what was added since the last look."""
        scopes = set(all_scopes(connection))
        changed, self._scopes = sorted(scopes - self._scopes), scopes
        boundaries = [None, *(each for each in _BOUNDARIES if _is_used(connection, each))] if changed else []
        for scope in changed:
            for part in ranges_of(scope):
                found = self._ranges.setdefault(part.first, _Range(workspace=scope[1]))
                if part.rows != found.rows:
                    found.rows = part.rows
                    found.missing = sum(_count(connection, found, part.first, each) for each in boundaries)

    def next_batch(self, connection: sqlite3.Connection, without: Container[Within]) -> Batch | None:
        """None when nothing was missing at the last look but what is within one of `without`."""
        batch = _Gathering()
        for first, each in self._ranges.items():
            if each.missing and not self._gather(connection, batch, first, without):
                break
        return batch.gathered()

    def done(self, batch: Batch) -> None:
        """It has its vectors."""
        for row in batch.rows:
            found = self._ranges[range_of_row(row)]
            found.up_to[batch.within.boundary] = row
            found.missing = max(found.missing - 1, 0)

    def _gather(
        self, connection: sqlite3.Connection, batch: "_Gathering", first: int, without: Container[Within]
    ) -> bool:
        """False when the batch is full."""
        found, is_left = self._ranges[first], False
        for boundary, up_to in found.up_to.items():
            within = Within(found.workspace, boundary)
            if up_to == first + found.rows:
                continue
            if within in without or not batch.takes(within):
                is_left = True
                continue
            texts = _texts_after(connection, boundary, up_to, first + found.rows)
            if not batch.add(within, texts):
                return False
            if texts:
                is_left = True
            else:
                found.up_to[boundary] = first + found.rows
        if not is_left:
            found.missing = 0
        return True


class _Gathering:
    def __init__(self) -> None:
        self._within: Within | None = None
        self._rows: list[int] = []
        self._texts: list[str] = []
        self._characters = 0

    def takes(self, within: Within) -> bool:
        return self._within in (None, within)

    def add(self, within: Within, found: Sequence[tuple[int, str]]) -> bool:
        """False when it is full."""
        for row, text in found:
            if self._rows and (len(self._rows) == _TEXTS or self._characters + len(text) > _CHARACTERS):
                return False
            self._within = within
            self._rows.append(row)
            self._texts.append(text)
            self._characters += len(text)
        return True

    def gathered(self) -> Batch | None:
        return None if self._within is None else Batch(self._within, self._rows, self._texts)


def _is_used(connection: sqlite3.Connection, boundary: Boundary) -> bool:
    return connection.execute("SELECT 1 FROM memories WHERE boundary = ? LIMIT 1", (boundary,)).fetchone() is not None


def _count(connection: sqlite3.Connection, found: _Range, first: int, boundary: Boundary | None) -> int:
    if boundary not in found.up_to:
        last_filled = _last_filled(connection, first, first + found.rows) if boundary is None else None
        found.up_to[boundary] = last_filled or first
    missing = connection.execute(
        f"SELECT COUNT(*) FROM memories WHERE {_MISSING} AND {_said_within(boundary)}",
        (found.up_to[boundary], first + found.rows),
    ).fetchone()[0]
    if not missing:
        found.up_to[boundary] = first + found.rows
    return int(missing)


def _last_filled(connection: sqlite3.Connection, first: int, last: int) -> int | None:
    """Of those without a boundary. A row comes to be within one by an import, too, after later ones were filled."""
    found = connection.execute(
        "SELECT memory FROM memory_vectors CROSS JOIN memories ON memories.id = memory"
        " WHERE memory BETWEEN ? AND ? AND boundary IS NULL ORDER BY memory DESC LIMIT 1",
        (first, last),
    ).fetchone()
    return None if found is None else int(found[0])


_MISSING: Final = (
    "id > ? AND id <= ? AND text != '' AND NOT EXISTS (SELECT 1 FROM memory_vectors WHERE memory = memories.id)"
)


def _texts_after(
    connection: sqlite3.Connection, boundary: Boundary | None, after: int, last: int
) -> Sequence[tuple[int, str]]:
    """A fact's key says what it is about, too."""
    found = connection.execute(
        "SELECT id, CASE WHEN key IS NULL THEN '' ELSE key || ': ' END || text FROM memories"
        f" WHERE {_MISSING} AND {_said_within(boundary)} ORDER BY id LIMIT ?",
        (after, last, _TEXTS + 1),
    )
    return [(row, text.strip()[:LONGEST_TEXT]) for row, text in found]


def _said_within(boundary: Boundary | None) -> str:
    return "boundary IS NULL" if boundary is None else f"boundary = '{boundary}'"
