"""Memories of other programs, as lines of ours."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final, TextIO

from agentrouted.core.memory.transfer.lines import Placed
from agentrouted.core.memory.transfer.long_json import LONGEST_VALUE, NO_JSON, LongJson
from agentrouted.core.times import text_of_time
from agentrouted_protocol.memory import MemoryFormat
from agentrouted_protocol.scope import Scope

# Characters from which it is told what it is.
_BEGINNING: Final = 64 * 1024

# In place of what cannot be read: it is no JSON, so it is told as a line that is not taken in.
_NOTHING: Final = "?"

# What mem0's lists of memories are called, where they are not all there is.
_LISTS: Final = frozenset({"results", "memories", "relations"})


def format_of(file: TextIO) -> MemoryFormat:
    """Seen from the first line that is an object. Without one it is a document, of many lines or a long one."""
    text = file.read(_BEGINNING).lstrip()
    file.seek(0)
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except NO_JSON:
            continue
        if isinstance(record, dict) and record:
            return _format_of_record(record)
    return "mem0" if text.startswith(("[", "{")) else "agentrouted"


def _format_of_record(record: dict[str, Any]) -> MemoryFormat:
    if record.get("type") in ("entity", "relation"):
        return "mcp-memory"
    return "agentrouted" if "type" in record else "mem0"


def as_lines(file: TextIO, kind: MemoryFormat, scope: Scope) -> Iterator[Placed]:
    """`scope` is for what names none itself."""
    if kind == "mcp-memory":
        return _each(_lines(file), lambda record: _of_graph(record, scope))
    if kind == "mem0":
        records = _lines(file) if _is_a_record_a_line(file) else _records(LongJson(file))
        return _each(records, lambda record: _of_mem0(record, scope))
    return _lines(file)


def _lines(file: TextIO) -> Iterator[Placed]:
    number = 0
    while line := file.readline(LONGEST_VALUE):
        number += 1
        if len(line) == LONGEST_VALUE and not line.endswith("\n"):
            while (rest := file.readline(_BEGINNING)) and not rest.endswith("\n"):
                pass
            yield f"line {number}, of more than {LONGEST_VALUE:,} characters", _NOTHING
        else:
            yield f"line {number}", line


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
        except (*NO_JSON, KeyError, TypeError, AttributeError):
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


def _is_a_record_a_line(file: TextIO) -> bool:
    """And not one document."""
    lines = file.read(_BEGINNING).lstrip().splitlines()
    file.seek(0)
    try:
        document = json.loads(lines[0]) if lines else None
    except NO_JSON:
        return not lines[0].startswith(("[", "{"))
    return isinstance(document, dict) and not document.keys() & _LISTS


def _records(document: LongJson) -> Iterator[Placed]:
    """Of one document, or of several, one after the other."""
    number = 0
    try:
        while first := document.peek():
            found = _of_list(document) if first == "[" else _of_object(document)
            for record in found:
                number += 1
                yield f"entry {number}", json.dumps(record)
    except NO_JSON:
        yield f"what follows entry {number}", _NOTHING


def _of_list(document: LongJson) -> Iterator[Any]:
    return (document.value() for _ in document.elements())


def _of_object(document: LongJson) -> Iterator[Any]:
    """The records in its lists; without any, it is one itself."""
    record: dict[str, Any] = {}
    has_lists = False
    for name in document.members():
        has_lists = has_lists or name in _LISTS
        if name in _LISTS and document.peek() == "[":
            yield from _of_list(document)
        else:
            record[name] = document.value()
    if not has_lists:
        yield record


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
