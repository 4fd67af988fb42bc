"""The limit of a memory: rows and their index in plain sqlite3."""

import asyncio
import re
import sqlite3
import time
import timeit
from collections.abc import Sequence
from pathlib import Path

_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE facts (id INTEGER PRIMARY KEY, text TEXT NOT NULL, at REAL NOT NULL);
CREATE VIRTUAL TABLE facts_index USING fts5 (
    text, content = 'facts', content_rowid = 'id', tokenize = 'porter unicode61'
);
"""
_SEARCH = """
SELECT facts.text FROM facts_index JOIN facts ON facts.id = facts_index.rowid
WHERE facts_index MATCH ? ORDER BY rank LIMIT 10
"""
_COUNT = "SELECT COUNT(*) FROM facts_index WHERE facts_index MATCH ?"


class PlainMemory:
    """Without scopes, keys, times or thread; those who come in one tick of the loop are one transaction."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(_TABLES)
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._last = 0

    def fill(self, texts: Sequence[str]) -> None:
        self._connection.execute("BEGIN")
        for text in texts:
            self._insert(text)
        self._connection.execute("COMMIT")

    def remember(self, text: str) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._write)
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((text, future))
        return future

    async def recall(self, query: str) -> list[tuple[str]]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        return self._connection.execute(_SEARCH, (words,)).fetchall()

    def seconds_of_a_match(self, word: str) -> float:
        """What it takes to rank one, at least, when the index is of one part."""
        self._connection.execute("INSERT INTO facts_index (facts_index) VALUES ('optimize')")
        [matches] = self._connection.execute(_COUNT, (word,)).fetchone()
        seconds = min(timeit.repeat(lambda: self._connection.execute(_SEARCH, (word,)).fetchall(), number=1))
        return seconds / int(matches)

    def close(self) -> None:
        self._connection.close()

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._connection.execute("BEGIN IMMEDIATE")
        for text, _ in waiting:
            self._insert(text)
        self._connection.execute("COMMIT")
        for _, future in waiting:
            future.set_result(None)

    def _insert(self, text: str) -> None:
        self._last += 1
        self._connection.execute("INSERT INTO facts VALUES (?, ?, ?)", (self._last, text, time.time()))
        self._connection.execute("INSERT INTO facts_index (rowid, text) VALUES (?, ?)", (self._last, text))
