"""The index of words: rows into it, and out of it."""

import sqlite3
from collections.abc import Iterable
from typing import Final

# Pages of the index that are written anew in one transaction: others wait for it.
_CLEANED: Final = 500
_MERGED: Final = 50


def add_to_index(connection: sqlite3.Connection, rows: Iterable[tuple[int, str, str]]) -> None:
    """All rows that are added and have text; those that are deleted leave it by a trigger."""
    connection.executemany("INSERT INTO memory_index (rowid, text, around) VALUES (?, ?, ?)", rows)


def change_in_index(connection: sqlite3.Connection, row: int, before: tuple[str, str], now: tuple[str, str]) -> None:
    """The words of a row in both columns: those before it has to be told as they were."""
    connection.execute(
        "INSERT INTO memory_index (memory_index, rowid, text, around) VALUES ('delete', ?, ?, ?)", (row, *before)
    )
    add_to_index(connection, [(row, *now)])


def clean_index(connection: sqlite3.Connection) -> bool:
    """Merge some parts of the index: until then, it holds the words of what was deleted. False if all is done."""
    return _merge(connection, -_CLEANED)


def merge_parts(connection: sqlite3.Connection) -> bool:
    """Merge some of the smaller parts: a search begins in each. False if there are none of about the same size left."""
    return _merge(connection, _MERGED)


def _merge(connection: sqlite3.Connection, pages: int) -> bool:
    before = connection.total_changes
    connection.execute(f"INSERT INTO memory_index (memory_index, rank) VALUES ('merge', {pages})")
    return connection.total_changes - before >= 2
