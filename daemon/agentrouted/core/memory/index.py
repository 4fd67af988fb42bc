"""The index of words: rows into it, and out of it."""

import sqlite3
from collections.abc import Iterable
from typing import Final

# Pages of the index that are written anew in one transaction: others wait for it.
_PAGES: Final = 500


def add_to_index(connection: sqlite3.Connection, rows: Iterable[tuple[int, str, str]]) -> None:
    """All rows that are added and have text; those that are deleted leave it by a trigger."""
    connection.executemany("INSERT INTO memory_index (rowid, text, around) VALUES (?, ?, ?)", rows)


def clean_index(connection: sqlite3.Connection) -> bool:
    """Merge some parts of the index: until then, it holds the words of what was deleted. False if all is done."""
    before = connection.total_changes
    connection.execute(f"INSERT INTO memory_index (memory_index, rank) VALUES ('merge', -{_PAGES})")
    return connection.total_changes - before >= 2
