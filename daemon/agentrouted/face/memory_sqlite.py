"""What agents remember between runs, kept in a file."""

import asyncio
import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from agentrouted.face import memory_file
from agentrouted.face.errors import ErrorAgent
from agentrouted.face.message import Message

_Result = TypeVar("_Result")


class MemorySQLite:
    """A file of SQLite, made when it is first used. Safe from any thread, event loop and process.

    `close` frees it; a memory that nobody holds any more closes itself. Raises `ErrorAgent` of the kind `storage` for
    a file that cannot be used.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._closing: Callable[[], Any] = _nothing

    def __repr__(self) -> str:
        return f"MemorySQLite({str(self._path)!r})"

    async def get_messages(self, limit: int | None = None, *, session_id: str | None = None) -> list[Message]:
        """The newest `limit` of a conversation, or all; oldest first."""
        rows = await self._read(lambda connection: memory_file.get_messages(connection, session_id, limit))
        return [_message(row) for row in rows]

    async def add_messages(self, messages: list[Message], *, session_id: str | None = None) -> None:
        rows = [_row(message) for message in messages]
        await self._write(lambda connection: memory_file.add_messages(connection, session_id, rows))

    async def clear_messages(self, *, session_id: str | None = None) -> None:
        await self._write(lambda connection: memory_file.clear_messages(connection, session_id))

    async def remember(self, key: str, value: str) -> None:
        """Keep a fact, in place of the one that has this key."""
        await self._write(lambda connection: memory_file.remember(connection, _storable(key), _storable(value)))

    async def recall(self, query: str, limit: int = 10) -> list[str]:
        """The facts that have the query's words, in their key or value: all of them, or else any, the best first; parts
        of words count, too. An empty query finds everything, in the order it came.
        """
        return await self._read(lambda connection: memory_file.recall(connection, _storable(query), max(0, limit)))

    async def forget(self, key: str) -> None:
        """A key that is not there is no error."""
        await self._write(lambda connection: memory_file.forget(connection, _storable(key)))

    async def close(self) -> None:
        """Close the file. The next use opens it again."""
        await asyncio.to_thread(self._close)

    async def _read(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        return await asyncio.to_thread(self._locked, work)

    async def _write(self, work: Callable[[sqlite3.Connection], None]) -> None:
        await asyncio.to_thread(self._locked, partial(_in_transaction, work))

    def _locked(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        try:
            with self._lock:
                return work(self._connection or self._open())
        except (sqlite3.Error, OSError) as error:
            raised = ErrorAgent(f"the memory {self._path} cannot be used: {error}")
            raised.kind = "storage"
            raise raised from error

    def _open(self) -> sqlite3.Connection:
        connection = self._connection = memory_file.open_database(self._path)
        self._closing = weakref.finalize(self, connection.close)
        return connection

    def _close(self) -> None:
        with self._lock:
            self._connection = None
            self._closing()


def _in_transaction(work: Callable[[sqlite3.Connection], None], connection: sqlite3.Connection) -> None:
    # Other programs may write to the same file: it is ours from the beginning, or we wait for it.
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        work(connection)


def _nothing() -> None:
    """Nothing is open."""


def _row(message: Message) -> dict[str, Any]:
    is_text = not isinstance(message.content, list)
    return {
        "role": message.role,
        "content": _storable(message.content) if isinstance(message.content, str) else None,
        "parts": None if is_text else json.dumps(message.content),
        "tool_calls": json.dumps(message.tool_calls) if message.tool_calls else None,
        "tool_call_id": message.tool_call_id,
        "name": message.name,
        "reasoning": _storable(message.reasoning) if message.reasoning else None,
        "signed": json.dumps(message.signed) if message.signed else None,
    }


def _message(row: Mapping[str, Any]) -> Message:
    return Message(
        role=row["role"],
        content=json.loads(row["parts"]) if row["parts"] else row["content"],
        tool_calls=json.loads(row["tool_calls"]) if row["tool_calls"] else None,
        tool_call_id=row["tool_call_id"],
        name=row["name"],
        reasoning=row["reasoning"],
        signed=json.loads(row["signed"]) if row["signed"] else None,
    )


def _storable(text: str) -> str:
    """Without halves of characters, which models send now and then and SQLite does not take."""
    return text.encode("utf-8", "replace").decode()
