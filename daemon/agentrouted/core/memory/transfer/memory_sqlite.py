"""A file of AgentRoute's `MemorySQLite`, as lines of ours."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from agentrouted.core.errors import InvalidParams
from agentrouted.core.memory.transfer.foreign import fact_line, stable_id
from agentrouted.core.memory.transfer.lines import Placed
from agentrouted.core.times import text_of_time
from agentrouted_protocol.scope import Scope

_MARK: Final = b"SQLite format 3\0"


def is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK


def lines_of_file(path: Path, scope: Scope, opened: contextlib.ExitStack) -> Iterator[Placed]:
    """Facts by key, and messages. Those without a session get one that is called as the file.

    It is read only, from any thread but one at a time. Raises `sqlite3.Error`, and `InvalidParams` for
    another database.
    """
    address = f"file:{quote(str(path))}?mode=ro"
    connection = opened.enter_context(contextlib.closing(sqlite3.connect(address, uri=True, check_same_thread=False)))
    connection.row_factory = sqlite3.Row
    # A column of SQLite may hold anything.
    connection.text_factory = lambda text: text.decode(errors="replace")
    return _lines(connection, path, scope)


def _lines(connection: sqlite3.Connection, path: Path, scope: Scope) -> Iterator[Placed]:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables & {"facts", "messages"}:
        raise InvalidParams(
            f"{path} has no table `facts` and no table `messages`, as a file of `MemorySQLite` has",
            hint="an export of this memory is what `memory/export` writes, not its database",
        )
    if "facts" in tables:
        for row in connection.execute(
            "SELECT CAST(key AS TEXT) AS key, CAST(value AS TEXT) AS value FROM facts ORDER BY rowid"
        ):
            yield f"fact {row['key']!r:.100}", fact_line(row["value"], scope, key=row["key"])
    if "messages" in tables:
        yield from _messages(connection, path, scope)


def _messages(connection: sqlite3.Connection, path: Path, scope: Scope) -> Iterator[Placed]:
    changed = text_of_time(round(path.stat().st_mtime))
    begun: set[str] = set()
    for row in connection.execute("SELECT * FROM messages ORDER BY id"):
        said = {name: _text(row[name]) for name in row.keys()}  # noqa: SIM118 - a row is no dict
        session_id = said.get("session_id") or path.stem
        place = f"message {said['id']}"
        if session_id not in begun:
            begun.add(session_id)
            yield place, _session(session_id, scope, changed)
        line = {
            "type": "message",
            "id": stable_id(session_id, said),
            "sessionId": session_id,
            "createdAt": changed,
            "message": _read(said),
        }
        yield place, json.dumps(line)


def _session(session_id: str, scope: Scope, changed: str) -> str:
    names = {name: value for name, value in scope if value}
    times = {"createdAt": changed, "updatedAt": changed}
    return json.dumps({"type": "session", "sessionId": session_id, "scope": names, **times})


def _text(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _read(said: dict[str, Any]) -> dict[str, Any] | None:
    """None where it is none: its fault is told when it is read as one of ours."""
    try:
        return _message(said)
    except (KeyError, TypeError, AttributeError):
        return None


def _message(said: dict[str, Any]) -> dict[str, Any]:
    parts, calls = _json(said.get("parts")), _json(said.get("tool_calls"))
    message = {
        "role": said["role"],
        "content": said["content"] or "" if parts is None else parts,
        "toolCalls": [_call(call) for call in calls] if calls else None,
        "toolCallId": said.get("tool_call_id"),
        "name": said.get("name"),
        "reasoning": said.get("reasoning"),
    }
    return {name: value for name, value in message.items() if value is not None}


def _call(call: dict[str, Any]) -> dict[str, Any]:
    """From the shape of OpenAI's chat completions, where the arguments are a text."""
    function = call.get("function") or call
    arguments = function.get("arguments") or "{}"
    read = _json(arguments) if isinstance(arguments, str) else arguments
    is_object = isinstance(read, dict)
    return {"id": call["id"], "name": function["name"], "arguments": read if is_object else {"arguments": arguments}}


def _json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None
