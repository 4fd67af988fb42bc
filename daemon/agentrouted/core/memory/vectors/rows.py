"""Vectors as rows: which are missing, and which are in force."""

import sqlite3
from collections.abc import Callable, Container, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

from agentrouted.core.errors import Conflict
from agentrouted.core.memory.scopes import Range, all_scopes

# Of one call: few enough for a small model on this machine, and not too many calls for a large memory.
_TEXTS: Final = 32
_CHARACTERS: Final = 8000

LONGEST_TEXT: Final = 2000
"""Characters of a text that its vector is made of."""

# Vectors that are removed in one transaction: others wait for it.
_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class Space:
    id: int
    dimensions: int | None
    """None until there is a vector in it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one workspace that have no vector yet, and their texts."""

    workspace: str
    rows: Sequence[int]
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Counts:
    done: int
    missing: int
    """At most: what has no text, or was forgotten since, is counted until it is come by."""


def join_space(connection: sqlite3.Connection, name: str, *, may_begin: bool) -> Space:
    """The one in force. Where that is another model's, a new one is begun in its place, or `Conflict` is raised."""
    found = _newest(connection)
    if found is not None and found[1] == name:
        return found[0]
    if found is not None and not may_begin:
        raise Conflict(
            f"another daemon has begun to fill memory with vectors of `{found[1]}`",
            hint="let both have the same `memory.vectors`, or restart this one",
        )
    return _begin_anew(connection, name)


def space_in_force(connection: sqlite3.Connection, name: str) -> Space | None:
    """None where it is another model's."""
    found = _newest(connection)
    return found[0] if found is not None and found[1] == name else None


def change_width(connection: sqlite3.Connection, name: str, width: int) -> None:
    """The model makes vectors of so many bytes now: those of another width will go."""
    space = space_in_force(connection, name)
    if space is not None and space.dimensions is not None and 4 * space.dimensions != width:
        _begin_anew(connection, name)


def take_turn(
    connection: sqlite3.Connection, space: Space, filler: str, gone: Callable[[list[str]], list[str]]
) -> bool:
    """Whether nobody else fills it. `gone` are those of some fillers whose process has ended."""
    before = connection.execute("SELECT filler FROM memory_spaces WHERE id = ?", (space.id,)).fetchone()
    if before is None or (before[0] not in (None, filler) and not gone([before[0]])):
        return False
    connection.execute("UPDATE memory_spaces SET filler = ? WHERE id = ?", (filler, space.id))
    return True


def end_turn(connection: sqlite3.Connection, filler: str) -> None:
    connection.execute("UPDATE memory_spaces SET filler = NULL WHERE filler = ?", (filler,))


def remove_older(connection: sqlite3.Connection, space: Space) -> bool:
    """Some of the vectors of the space before. False when none are left."""
    if space.dimensions is not None or not _is_newest(connection, space):
        return False
    removed = connection.execute(
        f"DELETE FROM memory_vectors WHERE id IN (SELECT id FROM memory_vectors LIMIT {_AT_ONCE})"
    ).rowcount
    connection.execute("DELETE FROM memory_spaces WHERE id < ?", (space.id,))
    return removed > 0


def count(connection: sqlite3.Connection) -> Counts:
    done = connection.execute("SELECT COUNT(*) FROM memory_vectors").fetchone()[0]
    missing = sum(part.first + part.rows - _filled_up_to(connection, part) for part in _ranges(connection) if part.rows)
    return Counts(done, max(missing, 0))


def next_batch(
    connection: sqlite3.Connection, complete: MutableMapping[int, int], without: Container[str]
) -> Batch | None:
    """None when nothing is missing, but in workspaces of `without`. A range is filled from its first row on.

    `complete` is how many rows a range had when nothing was missing in it, by its first id.
    """
    batch = _Gathering()
    for workspace, scope in all_scopes(connection):
        if workspace in without:
            continue
        for part in (scope.facts, scope.messages):
            if part.rows == complete.get(part.first, 0):
                continue
            if batch.rows and batch.workspace != workspace:
                return batch.gathered()
            batch.workspace = workspace
            if not batch.add(_texts_after(connection, part, _filled_up_to(connection, part))):
                return batch.gathered()
            if not batch.has_any_of(part):
                complete[part.first] = part.rows
    return batch.gathered() if batch.rows else None


def insert_vectors(connection: sqlite3.Connection, space: Space, vectors: Sequence[tuple[int, bytes]]) -> Space:
    """The space as it is now: a new one where the model makes others than before. Raises `Conflict` where another
    model's is in force.
    """
    if not _is_newest(connection, space):
        raise Conflict("another daemon fills memory with vectors of another model")
    dimensions = next((len(vector) // 4 for _, vector in vectors if vector), space.dimensions)
    if space.dimensions not in (None, dimensions):
        name = connection.execute("SELECT name FROM memory_spaces WHERE id = ?", (space.id,)).fetchone()[0]
        return _begin_anew(connection, name)
    connection.execute("UPDATE memory_spaces SET dimensions = ? WHERE id = ?", (dimensions, space.id))
    connection.executemany(
        "INSERT OR IGNORE INTO memory_vectors (memory, vector)"
        " SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM memories WHERE id = ?1)",
        vectors,
    )
    return Space(space.id, dimensions)


class _Gathering:
    def __init__(self) -> None:
        self.workspace = ""
        self.rows: list[int] = []
        self._texts: list[str] = []
        self._characters = 0

    def add(self, found: Iterable[tuple[int, str]]) -> bool:
        """False when it is full."""
        for row, text in found:
            if self.rows and (len(self.rows) == _TEXTS or self._characters + len(text) > _CHARACTERS):
                return False
            self.rows.append(row)
            self._texts.append(text)
            self._characters += len(text)
        return True

    def has_any_of(self, part: Range) -> bool:
        return bool(self.rows) and part.first <= self.rows[-1] <= part.last

    def gathered(self) -> Batch:
        return Batch(self.workspace, self.rows, self._texts)


def _texts_after(connection: sqlite3.Connection, part: Range, row: int) -> Iterable[tuple[int, str]]:
    """A fact's key says what it is about, too."""
    found = connection.execute(
        "SELECT id, CASE WHEN key IS NULL THEN '' ELSE key || ': ' END || text FROM memories"
        " WHERE id > ? AND id <= ? AND text != '' ORDER BY id LIMIT ?",
        (row, part.last, _TEXTS + 1),
    )
    return [(row, text.strip()[:LONGEST_TEXT]) for row, text in found]


def _filled_up_to(connection: sqlite3.Connection, part: Range) -> int:
    found = connection.execute(
        "SELECT MAX(memory) FROM memory_vectors WHERE memory BETWEEN ? AND ?", (part.first, part.last)
    ).fetchone()[0]
    return part.first if found is None else int(found)


def _ranges(connection: sqlite3.Connection) -> list[Range]:
    return [part for _, scope in all_scopes(connection) for part in (scope.facts, scope.messages)]


def _begin_anew(connection: sqlite3.Connection, name: str) -> Space:
    """What is there will go."""
    row = connection.execute("INSERT INTO memory_spaces (name) VALUES (?)", (name,)).lastrowid
    assert row is not None
    return Space(row, None)


def _newest(connection: sqlite3.Connection) -> tuple[Space, str] | None:
    found = connection.execute("SELECT id, dimensions, name FROM memory_spaces ORDER BY id DESC LIMIT 1").fetchone()
    return None if found is None else (Space(found[0], found[1]), found[2])


def _is_newest(connection: sqlite3.Connection, space: Space) -> bool:
    found = _newest(connection)
    return found is not None and found[0].id == space.id
