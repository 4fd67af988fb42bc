"""The rows whose vectors are nearest: all are compared.

The only home of numpy, which is imported when the first vector is looked at.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy
from numpy.typing import NDArray

from agentrouted.core.memory.scopes import Range, both_ranges, whole_range
from agentrouted.core.memory.vectors.rows import Space

MOST_ROWS: Final = 100_000
"""Of one scope. Facts come first, then the newest messages."""

# Rows that may come on top until all is read anew.
_BEYOND: Final = 10_000

# Bytes of all scopes that are kept in memory, beside the one that was asked for last.
_KEPT: Final = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Block:
    rows: NDArray[numpy.int64]
    vectors: NDArray[numpy.float32]

    def without(self, rows: NDArray[numpy.int64]) -> "_Block":
        stays = ~numpy.isin(self.rows, rows)
        return self if stays.all() else _Block(self.rows[stays], self.vectors[stays])


@dataclass(frozen=True, slots=True)
class Matrix:
    """The vectors of a scope, as they were at one moment."""

    blocks: tuple[_Block, ...]
    """Each smaller than the one before: what is new is added without copying all."""

    last: int
    """The last vector that was there, of any scope."""

    def __len__(self) -> int:
        return sum(len(block.rows) for block in self.blocks)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(block.vectors.nbytes for block in self.blocks)

    @property
    def width(self) -> int:
        """Bytes of a vector."""
        return 4 * int(self.blocks[0].vectors.shape[1])

    def compare(self, question: bytes, parts: Sequence[Range]) -> "Compared":
        """With the rows within these ranges."""
        unit = numpy.frombuffer(question, dtype="<f4")
        rows = numpy.concatenate([block.rows for block in self.blocks])
        similarities = numpy.concatenate([block.vectors @ unit for block in self.blocks])
        inside = numpy.zeros(len(rows), dtype=bool)
        for part in parts:
            inside |= (rows >= part.first) & (rows <= part.last)
        return Compared(rows[inside], similarities[inside])


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows, and how similar they are to a question."""

    rows: NDArray[numpy.int64]
    similarities: NDArray[numpy.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def nearest(self, count: int) -> list[tuple[int, float]]:
        """So many, with their similarity, from -1 to 1; the most similar first."""
        count = min(count, len(self))
        if count == 0:
            return []
        best = numpy.argpartition(self.similarities, -count)[-count:]
        best = best[numpy.lexsort((self.rows[best], self.similarities[best]))[::-1]]
        return list(zip(self.rows[best].tolist(), self.similarities[best].tolist(), strict=True))


class Matrices:
    """Those of the scopes that were asked for last. Threads take turns."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._space: Space | None = None
        self._kept: OrderedDict[int, Matrix] = OrderedDict()

    def of(self, connection: sqlite3.Connection, space: Space, scope: int) -> Matrix:
        """As it is now; only what is new is read."""
        with self._lock:
            return self._of(connection, space, scope)

    def _of(self, connection: sqlite3.Connection, space: Space, scope: int) -> Matrix:
        if space != self._space:
            self._space, self._kept = space, OrderedDict()
        matrix = self._kept.pop(scope, None)
        last = connection.execute("SELECT MAX(id) FROM memory_vectors").fetchone()[0] or 0
        if matrix is not None and matrix.last < last:
            matrix = _with_new(connection, space, scope, last, matrix)
        if matrix is None or len(matrix) > MOST_ROWS + _BEYOND:
            matrix = _load(connection, space, scope, last)
        while self._kept and sum(each.size for each in self._kept.values()) > _KEPT:
            self._kept.popitem(last=False)
        self._kept[scope] = matrix
        return matrix


def _load(connection: sqlite3.Connection, space: Space, scope: int, last: int) -> Matrix:
    found: list[tuple[int, bytes]] = []
    for part in both_ranges(scope):
        found += connection.execute(
            "SELECT memory, vector FROM memory_vectors WHERE memory BETWEEN ? AND ? AND length(vector) = ?"
            " ORDER BY memory DESC LIMIT ?",
            (part.first, part.last, _bytes_of(space), MOST_ROWS - len(found)),
        )
    return Matrix((_block(space, found),), last)


def _with_new(connection: sqlite3.Connection, space: Space, scope: int, last: int, before: Matrix) -> Matrix:
    # The plus keeps SQLite from looking through all of the scope: there are few new ones.
    found = connection.execute(
        "SELECT memory, vector FROM memory_vectors WHERE id > ? AND +memory BETWEEN ? AND ? AND length(vector) = ?",
        (before.last, *whole_range(scope), _bytes_of(space)),
    ).fetchall()
    if not found:
        return Matrix(before.blocks, last)
    new = _block(space, found)
    # The id of a row that was forgotten may be given to another when all of its scope was.
    return Matrix(_merged([*(block.without(new.rows) for block in before.blocks), new]), last)


def _merged(blocks: list[_Block]) -> tuple[_Block, ...]:
    while len(blocks) > 1 and 2 * len(blocks[-1].rows) > len(blocks[-2].rows):
        one, other = blocks[-2:]
        rows = numpy.concatenate([one.rows, other.rows])
        blocks = [*blocks[:-2], _Block(rows, numpy.concatenate([one.vectors, other.vectors]))]
    return tuple(blocks)


def _block(space: Space, found: Sequence[tuple[int, bytes]]) -> _Block:
    rows = numpy.array([row for row, _ in found], dtype=numpy.int64)
    vectors = numpy.frombuffer(b"".join(vector for _, vector in found), dtype="<f4")
    return _Block(rows, vectors.reshape(len(found), space.dimensions or 0))


def _bytes_of(space: Space) -> int:
    return 4 * (space.dimensions or 0)
