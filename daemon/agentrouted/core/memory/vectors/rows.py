"""Vectors as rows: which are in force, and who adds to them."""

import math
import sqlite3
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agentrouted.core.errors import Conflict
from agentrouted.core.storage.owner import Owner

# Vectors that are removed in one transaction: others wait for it.
_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class Space:
    id: int
    dimensions: int | None
    """None until there is a vector in it."""


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


def has_older(connection: sqlite3.Connection, space: Space) -> bool:
    """Whether there may still be vectors of one that this one has replaced."""
    return connection.execute("SELECT 1 FROM memory_spaces WHERE id < ?", (space.id,)).fetchone() is not None


def remove_older(connection: sqlite3.Connection, space: Space) -> bool:
    """Some of their vectors, and with the last of them the spaces. False when there is nothing to remove."""
    found = _newest(connection)
    if found is None or found[0] != space or not has_older(connection, space):
        return False
    removed = connection.execute(
        f"DELETE FROM memory_vectors WHERE id IN (SELECT id FROM memory_vectors LIMIT {_AT_ONCE})"
    ).rowcount
    if removed < _AT_ONCE:
        connection.execute("DELETE FROM memory_spaces WHERE id < ?", (space.id,))
    return True


def take_turn(connection: sqlite3.Connection, space: Space, owner: Owner) -> bool:
    """Whether nobody else fills it. Who has died in its turn has it no more."""
    found = connection.execute("SELECT filler FROM memory_spaces WHERE id = ?", (space.id,)).fetchone()
    if found is None or (found[0] not in (None, owner.name) and not owner.gone(found)):
        return False
    connection.execute("UPDATE memory_spaces SET filler = ? WHERE id = ?", (owner.name, space.id))
    return True


def end_turn(connection: sqlite3.Connection, owner: Owner) -> None:
    connection.execute("UPDATE memory_spaces SET filler = NULL WHERE filler = ?", (owner.name,))


def as_blob(vector: Sequence[float]) -> bytes:
    """Of length 1; empty what has no direction."""
    length = math.hypot(*vector)
    if not 0.0 < length < math.inf:
        return b""
    return struct.pack(f"<{len(vector)}f", *[each / length for each in vector])


def count(connection: sqlite3.Connection) -> int:
    """How many vectors there are."""
    return int(connection.execute("SELECT COUNT(*) FROM memory_vectors").fetchone()[0])


def insert_vectors(
    connection: sqlite3.Connection, space: Space, vectors: Sequence[tuple[int, bytes]], *, may_change: bool
) -> Space:
    """The space as it is now: a new one where the model makes others than before, and that `may_change`. Raises
    `Conflict` where it may not, or where another model's is in force.
    """
    found = _newest(connection)
    if found is None or found[0].id != space.id:
        raise Conflict("another daemon fills memory with vectors of another model")
    before, name = found[0].dimensions, found[1]
    dimensions = next((len(vector) // 4 for _, vector in vectors if vector), before)
    if before not in (None, dimensions):
        if may_change:
            return _begin_anew(connection, name)
        raise Conflict(
            f"`{name}` makes vectors of {before} and of {dimensions} numbers, which do not compare",
            hint="name a model in `memory.vectors` that makes all of one length",
        )
    connection.execute("UPDATE memory_spaces SET dimensions = ? WHERE id = ?", (dimensions, space.id))
    connection.executemany(
        "INSERT OR IGNORE INTO memory_vectors (memory, vector)"
        " SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM memories WHERE id = ?1)",
        vectors,
    )
    return Space(space.id, dimensions)


def _begin_anew(connection: sqlite3.Connection, name: str) -> Space:
    """What is there will go."""
    row = connection.execute("INSERT INTO memory_spaces (name) VALUES (?)", (name,)).lastrowid
    assert row is not None
    return Space(row, None)


def _newest(connection: sqlite3.Connection) -> tuple[Space, str] | None:
    found = connection.execute("SELECT id, dimensions, name FROM memory_spaces ORDER BY id DESC LIMIT 1").fetchone()
    return None if found is None else (Space(found[0], found[1]), found[2])
