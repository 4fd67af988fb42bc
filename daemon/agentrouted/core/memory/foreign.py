"""Memories of other programs, as lines of ours."""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any

from agentrouted.core.times import text_of_time
from agentrouted_protocol.memory import MemoryFormat
from agentrouted_protocol.scope import Scope

# Where a line stands, in words, and the line.
Placed = tuple[str, str]


def format_of(beginning: str) -> MemoryFormat:
    """Told from the first line that is an object; without one it is a document of many lines, or one very long one."""
    text = beginning.lstrip("\ufeff \t\r\n")
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record:
            return _format_of_record(record)
    return "mem0" if text.startswith(("[", "{")) else "agentrouted"


def _format_of_record(record: dict[str, Any]) -> MemoryFormat:
    if record.get("type") in ("entity", "relation"):
        return "mcp-memory"
    return "agentrouted" if "type" in record else "mem0"


def as_lines(lines: Iterable[str], kind: MemoryFormat, scope: Scope) -> Iterator[Placed]:
    """`lines` have their ends still. `scope` is for what names none itself."""
    numbered = ((f"line {number}", line) for number, line in enumerate(lines, 1))
    if kind == "mcp-memory":
        return _each(numbered, lambda record: _of_graph(record, scope))
    if kind == "mem0":
        return _each(_records(numbered), lambda record: _of_mem0(record, scope))
    return numbered


def fact_line(text: str, scope: Scope, **more: Any) -> str:
    """The same text, or the same key, in the same scope always has the same id: it can be taken in twice."""
    names = {name: value for name, value in scope if value}
    given = {name: value for name, value in more.items() if value is not None}
    now = text_of_time(round(time.time(), 3))
    line = {
        "type": "fact",
        "id": stable_id(given.get("key", text), names),
        "text": text,
        "kind": "fact",
        "scope": names,
        "source": {},
        "version": 1,
    }
    return json.dumps({**line, "createdAt": now, "updatedAt": now, **given})


def stable_id(*parts: Any) -> str:
    return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=12).hexdigest()


def _each(lines: Iterable[Placed], change: Callable[[Any], Iterator[str]]) -> Iterator[Placed]:
    for place, line in lines:
        try:
            found = list(change(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError):
            # Its fault is told when it is read as one of ours.
            found = [line]
        yield from ((place, each) for each in found)


def _of_graph(record: dict[str, Any], scope: Scope) -> Iterator[str]:
    """https://github.com/modelcontextprotocol/servers/tree/main/src/memory"""
    if record["type"] == "relation":
        yield fact_line(f"{record['from']} {record['relationType']} {record['to']}", scope, tags=["relation"])
        return
    name, kind = record["name"], record["entityType"]
    for observation in record["observations"] or [kind]:
        yield fact_line(f"{name}: {observation}", scope, tags=[kind])


def _records(lines: Iterator[Placed]) -> Iterator[Placed]:
    """Of one document, which is read whole, or of one a line."""
    place, first = next(((place, line) for place, line in lines if line.strip()), ("", ""))
    lines = itertools.chain([(place, first.lstrip("\ufeff"))], lines)
    if _is_record(first):
        yield from lines
        return
    whole = list(lines)
    try:
        document = json.loads("".join(line for _, line in whole))
    except ValueError:
        yield from whole
        return
    records: list[Any] = document if isinstance(document, list) else [document]
    if _has_records(document):
        records = [*(document.get("results") or document.get("memories") or ()), *(document.get("relations") or ())]
    yield from ((f"entry {number}", json.dumps(record)) for number, record in enumerate(records, 1))


def _is_record(line: str) -> bool:
    try:
        document = json.loads(line.lstrip("\ufeff"))
    except ValueError:
        return False
    return isinstance(document, dict) and not _has_records(document)


def _has_records(document: Any) -> bool:
    return isinstance(document, dict) and bool(document.keys() & {"results", "memories", "relations"})


def _of_mem0(record: dict[str, Any], scope: Scope) -> Iterator[str]:
    """https://docs.mem0.ai/api-reference: what `get_all` and its exports have."""
    theirs = {"workspace": "app_id", "user": "user_id", "agent": "agent_id", "session": "run_id"}
    named = Scope(**{ours: record[name] for ours, name in theirs.items() if record.get(name)})
    own = scope if named == Scope() else named
    if "relationship" in record:
        yield fact_line(f"{record['source']} {record['relationship']} {_target(record)}", own, tags=["relation"])
        return
    yield fact_line(
        record["memory"],
        own,
        tags=[*(record.get("categories") or []), *_as_tags(record.get("metadata") or {})],
        createdAt=record.get("created_at"),
        updatedAt=record.get("updated_at") or record.get("created_at"),
        expiresAt=record.get("expiration_date"),
    )


def _as_tags(metadata: dict[str, Any]) -> list[str]:
    """`name:value`, for they are what memories are filtered by."""
    return [
        f"{name}:{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, values in metadata.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _target(record: dict[str, Any]) -> str:
    return str(record["target"] if "target" in record else record["destination"])
