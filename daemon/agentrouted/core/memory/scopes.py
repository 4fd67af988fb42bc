"""Whose rows are whose: each scope has its own ranges of ids."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from agentrouted.core.memory.terms import clean
from agentrouted_protocol.scope import Scope

# Below are the rows of a range, numbered in the order in which they came; above stands which range it is. So one
# comparison of ids keeps a search within its scope, in the index as well.
_BITS: Final = 32
_NAMES: Final = ("workspace", "user", "agent", "session")
_FROM: Final = "FROM memory_scopes WHERE workspace = ? AND user = ? AND agent = ? AND session = ?"


# Of so many ids all over a range, at least half are there where not most rows are gone; and up to so many are counted.
_TRIED: Final = 8
_COUNTED: Final = 1000

NumberedScope = tuple[int, str, int, int]
"""Its row, its workspace, and the numbers last given to its facts and messages."""


@dataclass(frozen=True, slots=True)
class Range:
    """The ids of all facts, or of all messages, of one scope."""

    first: int
    last: int
    rows: int
    """How many were ever put there: those that are gone are counted too, unless they are most."""

    newest: int
    """The id that was given last."""


@dataclass(frozen=True, slots=True)
class ScopeRow:
    id: int
    facts: Range
    messages: Range


def find_scope(connection: sqlite3.Connection, scope: Scope) -> ScopeRow | None:
    """None where nothing was ever kept for it."""
    found = connection.execute(f"SELECT id, facts, messages {_FROM}", _values(scope)).fetchone()
    if found is None:
        return None
    row, facts, messages = found
    return ScopeRow(row, _range(row, 0, facts), _range(row, 1, messages))


def counted(connection: sqlite3.Connection, part: Range) -> Range:
    """As it is; or where most are gone, such as those of a key that is replaced again and again, with the rows that are
    there, if they are few.
    """
    if part.rows <= _COUNTED:
        return part
    tried = [part.newest - place * part.rows // _TRIED for place in range(_TRIED)]
    there = _count(connection, f"id IN ({', '.join('?' * _TRIED)})", tried)
    if there >= _TRIED / 2:
        return part
    there = _count(connection, "id BETWEEN ? AND ?", (part.first, part.last))
    return replace(part, rows=there) if there <= _COUNTED else part


def scopes_within(connection: sqlite3.Connection, scope: Scope) -> list[int]:
    """All that have its names, whatever else they name."""
    names = [name for name in _NAMES if getattr(scope, name)]
    condition = " AND ".join(f"{name} = ?" for name in names) or "TRUE"
    values = [clean(getattr(scope, name)) for name in names]
    found = connection.execute(f"SELECT id FROM memory_scopes WHERE {condition}", values)
    return [row for (row,) in found]


def all_scopes(connection: sqlite3.Connection) -> list[NumberedScope]:
    return connection.execute("SELECT id, workspace, facts, messages FROM memory_scopes").fetchall()


def ranges_of(scope: NumberedScope) -> tuple[Range, Range]:
    row, _, facts, messages = scope
    return _range(row, 0, facts), _range(row, 1, messages)


def scope_id(connection: sqlite3.Connection, scope: Scope) -> int:
    """Made where it is missing."""
    values = _values(scope)
    found = connection.execute(f"SELECT id {_FROM}", values).fetchone()
    if found is None:
        names = ", ".join(_NAMES)
        connection.execute(f"INSERT INTO memory_scopes ({names}) VALUES (?, ?, ?, ?)", values)
        found = connection.execute(f"SELECT id {_FROM}", values).fetchone()
    return int(found[0])


class FactIds:
    """Ids of facts that come in one transaction. Nobody else gives out any until it ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._last: dict[tuple[str, ...], tuple[int, int]] = {}

    def next(self, scope: Scope) -> tuple[int, int]:
        """The row of the scope, made where it is missing, and the id of its next fact."""
        values = _values(scope)
        row, number = self._last.get(values) or self._of_scope(scope, values)
        self._last[values] = row, number + 1
        return row, (2 * row << _BITS) + number + 1

    def write(self) -> None:
        """Say in the file which are given out."""
        self._connection.executemany(
            "UPDATE memory_scopes SET facts = ? WHERE id = ?", [(number, row) for row, number in self._last.values()]
        )
        self._last.clear()

    def _of_scope(self, scope: Scope, values: tuple[str, ...]) -> tuple[int, int]:
        found = self._connection.execute(f"SELECT id, facts {_FROM}", values).fetchone()
        return found or (scope_id(self._connection, scope), 0)


def next_messages(connection: sqlite3.Connection, scope: int, count: int) -> int:
    """The id of the first of them; the others follow."""
    last: int = connection.execute("SELECT messages FROM memory_scopes WHERE id = ?", (scope,)).fetchone()[0]
    # Not with RETURNING: with it, as with a trigger, the index writes out what it has for each row.
    connection.execute("UPDATE memory_scopes SET messages = ? WHERE id = ?", (last + count, scope))
    return (2 * scope + 1 << _BITS) + last + 1


def whole_range(scope: int) -> tuple[int, int]:
    """The first and the last id of all rows of a scope."""
    return _range(scope, 0, 0).first, _range(scope, 1, 0).last


def range_of_row(row: int) -> int:
    """The first id of the range that a fact or a message is in."""
    return row >> _BITS << _BITS


def scope_of_row(row: int) -> int:
    """The scope that a fact or a message is in."""
    return row >> (_BITS + 1)


def both_ranges(scope: int) -> tuple[Range, Range]:
    """Of its facts, and of its messages, however many there are."""
    return _range(scope, 0, 0), _range(scope, 1, 0)


def scope_of(connection: sqlite3.Connection, row: int) -> Scope:
    values = connection.execute(f"SELECT {', '.join(_NAMES)} FROM memory_scopes WHERE id = ?", (row,)).fetchone()
    return Scope(**{name: value or None for name, value in zip(_NAMES, values, strict=True)})


def _count(connection: sqlite3.Connection, condition: str, values: Sequence[int]) -> int:
    """No further than one more than are counted."""
    found = connection.execute(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM memories WHERE {condition} LIMIT {_COUNTED + 1})", values
    )
    return int(found.fetchone()[0])


def _range(scope: int, kind: int, rows: int) -> Range:
    first = (2 * scope + kind) << _BITS
    return Range(first, first + (1 << _BITS) - 1, rows, first + rows)


def _values(scope: Scope) -> tuple[str, ...]:
    """What is not named is the empty name."""
    return tuple([clean(name) if name else "" for name in (scope.workspace, scope.user, scope.agent, scope.session)])
