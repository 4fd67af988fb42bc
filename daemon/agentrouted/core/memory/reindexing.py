"""Rows that an older version has indexed by other words."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from agentrouted.core.memory.index import change_in_index
from agentrouted.core.memory.message_rows import around_now
from agentrouted.core.memory.remembering import around_of
from agentrouted.core.memory.terms import indexed

# Rows that are indexed in one transaction: others wait for it.
_AT_ONCE: Final = 100


def index_anew(connection: sqlite3.Connection) -> int:
    """How many rows are found by other words now than before."""
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
        "SELECT id, text, COALESCE(words, text), around, key, tags, session, created_at, body FROM memories"
        " WHERE id > ? AND text != '' ORDER BY id",
        (last,),
    )
    for row, text, words, around, key, tags, session, created_at, body in rows:
        is_fact = session is None
        now_around = around_of(key, tags) if is_fact else around_now(connection, row, session, created_at, body)
        now = indexed(text), now_around
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
            change_in_index(connection, row, before, (words, around))
            changed += 1
    return changed
