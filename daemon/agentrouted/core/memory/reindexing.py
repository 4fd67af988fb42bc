"""Rows that an older version has indexed by other words."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from agentrouted.core.memory.index import add_to_index
from agentrouted.core.memory.remembering import around_of
from agentrouted.core.memory.terms import indexed

# Rows that are indexed in one transaction: others wait for it.
_AT_ONCE: Final = 100


def index_anew(connection: sqlite3.Connection) -> int:
    """How many rows are found by other words now than before. What was said before a message stays as it was."""
    last = changed = 0
    while stale := list(islice(_stale_after(connection, last), _AT_ONCE)):
        last = stale[-1].id
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            changed += _index(connection, stale)
    return changed


class _Stale(NamedTuple):
    id: int
    text: str
    before: tuple[str, str]
    """Its words in both columns of the index."""

    now: tuple[str, str]


def _stale_after(connection: sqlite3.Connection, last: int) -> Iterator[_Stale]:
    rows = connection.execute(
        "SELECT id, kind, text, COALESCE(words, text), around, key, tags FROM memories"
        " WHERE id > ? AND text != '' ORDER BY id",
        (last,),
    )
    for row, kind, text, words, around, key, tags in rows:
        now = indexed(text), around if kind == "message" else around_of(key, tags)
        if now != (words, around):
            yield _Stale(row, text, (words, around), now)


def _index(connection: sqlite3.Connection, stale: Sequence[_Stale]) -> int:
    """How many of them nobody has changed or forgotten meanwhile."""
    changed = 0
    for row, text, before, (words, around) in stale:
        if connection.execute(
            "UPDATE memories SET words = ?, around = ? WHERE id = ? AND COALESCE(words, text) = ? AND around = ?",
            (None if words == text else words, around, row, *before),
        ).rowcount:
            connection.execute(
                "INSERT INTO memory_index (memory_index, rowid, text, around) VALUES ('delete', ?, ?, ?)",
                (row, *before),
            )
            add_to_index(connection, [(row, words, around)])
            changed += 1
    return changed
