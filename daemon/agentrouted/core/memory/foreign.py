"""Memories of other programs, as lines of ours."""

import json
import time
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from agentrouted.core.times import text_of_time


def format_of(beginning: str) -> str:
    """Told from the first lines."""
    first = beginning.lstrip().partition("\n")[0]
    if '"entityType"' in first or '"relationType"' in first:
        return "mcp-memory"
    if first.startswith("[") or first in ("{", "") or '"results"' in first or '"memory"' in first.partition(":")[0]:
        return "mem0"
    return "agentrouted"


def as_lines(lines: Iterable[str], kind: str) -> Iterator[str]:
    if kind == "mcp-memory":
        return _each(lines, _of_graph)
    if kind == "mem0":
        return _of_mem0("".join(lines))
    return iter(lines)


def _each(lines: Iterable[str], change: Any) -> Iterator[str]:
    for line in lines:
        try:
            found = list(change(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError):
            # It is told with its number when it is read as one of ours.
            found = [line]
        yield from found


def _of_graph(record: dict[str, Any]) -> Iterator[str]:
    if record["type"] == "relation":
        yield _fact(f"{record['from']} {record['relationType']} {record['to']}", tags=["relation"])
        return
    name = record["name"]
    for observation in record["observations"]:
        yield _fact(f"{name}: {observation}", tags=[record["entityType"]])


def _of_mem0(text: str) -> Iterator[str]:
    try:
        document = json.loads(text)
    except ValueError:
        return iter(text.split("\n"))
    records = document
    if isinstance(document, dict):
        records = document.get("results") or document.get("memories") or [document]
    return _each((json.dumps(record) for record in records), _of_record)


def _of_record(record: dict[str, Any]) -> Iterator[str]:
    names = {"user": "user_id", "agent": "agent_id", "session": "run_id"}
    yield _fact(
        record["memory"],
        scope={ours: record[theirs] for ours, theirs in names.items() if record.get(theirs)},
        tags=record.get("categories") or [],
        createdAt=record.get("created_at"),
        updatedAt=record.get("updated_at") or record.get("created_at"),
    )


def _fact(text: str, **more: Any) -> str:
    """The same text always gets the same id, so that it can be taken in twice."""
    scope = more.pop("scope", {})
    now = text_of_time(round(time.time(), 3))
    given = {name: value for name, value in more.items() if value is not None}
    ident = blake2b(json.dumps([text, scope], sort_keys=True).encode(), digest_size=12).hexdigest()
    line = {"type": "fact", "id": ident, "text": text, "kind": "fact", "scope": scope, "source": {}, "version": 1}
    return json.dumps({**line, "createdAt": now, "updatedAt": now, **given})
