"""Facts as rows: kept once, replaced by key, found again."""

import sqlite3
import time
from collections.abc import Sequence
from random import Random
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from agentrouted.core.endpoint import Boundary
from agentrouted.core.errors import InvalidParams
from agentrouted.core.memory.scopes import find_scope, scope_of
from agentrouted.core.memory.terms import clean
from agentrouted.core.times import optional_time, text_of_time
from agentrouted_protocol.memory import (
    FactKind,
    MemoryEntry,
    MemoryGetParams,
    MemoryListParams,
    MemoryListResult,
    Source,
)
from agentrouted_protocol.scope import Scope

Identity = tuple[int, str | bytes]
"""The scope, and the key or else the digest of the text: what makes two facts the same."""


class Fact(NamedTuple):
    """A row of `memories`; times are seconds since 1970."""

    id: int
    uid: str
    scope: int
    kind: FactKind
    text: str
    digest: bytes
    """Of the text: see `fingerprint`."""

    key: str | None
    tags: str
    """A list as JSON."""

    sources: str
    """A list of `Source` as JSON."""

    version: int
    valid_from: float | None
    valid_to: float | None
    expires_at: float | None
    created_at: float
    updated_at: float
    boundary: Boundary | None
    """The one in force when it was written."""

    @property
    def identity(self) -> Identity:
        return self.scope, self.digest if self.key is None else self.key


COLUMNS: Final = ", ".join(Fact._fields)

NONE: Final = "[]"
"""No tags, or no sources."""

# Each process has its own.
_random: Final = Random()


def new_uid() -> str:
    """In the order of time, so that an index of them grows at its end."""
    return f"{time.time_ns() // 1000:014x}{_random.getrandbits(40):010x}"


def get_entry(connection: sqlite3.Connection, params: MemoryGetParams) -> MemoryEntry | None:
    """None where it is in no such scope."""
    scope = find_scope(connection, params.scope)
    if scope is None:
        return None
    column, value = ("uid", params.id) if params.id is not None else ("key", params.key)
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM memories WHERE scope = ? AND {column} = ? AND kind != 'message'"
        " AND (expires_at IS NULL OR expires_at > ?)",
        (scope.id, clean(value or ""), time.time()),
    ).fetchall()
    return entry_of(Fact(*rows[0]), scope_of(connection, scope.id)) if rows else None


def list_entries(connection: sqlite3.Connection, params: MemoryListParams) -> MemoryListResult:
    """What was written last comes first."""
    place = _place(params.cursor)
    scope = find_scope(connection, params.scope)
    if scope is None:
        return MemoryListResult(entries=[])
    # No further, for there the messages begin, and the next scope.
    before = min(scope.facts.first + place - 1, scope.facts.last)
    condition, values = conditions(kinds=params.kinds, tags=params.tags)
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM memories WHERE id BETWEEN ? AND ? AND (expires_at IS NULL OR expires_at > ?)"
        f" AND {condition} ORDER BY id DESC LIMIT ?",
        (scope.facts.first, before, time.time(), *values, params.limit + 1),
    ).fetchall()
    page = rows[: params.limit]
    more = len(rows) > params.limit
    its_scope = scope_of(connection, scope.id)
    return MemoryListResult(
        entries=[entry_of(Fact(*row), its_scope) for row in page],
        next_cursor=str(page[-1][0] - scope.facts.first) if more else None,
    )


def conditions(
    kinds: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    since: float | None = None,
    until: float | None = None,
) -> tuple[str, list[Any]]:
    """A filter as SQL over `memories`, and its values."""
    parts: list[str] = ["TRUE"]
    values: list[Any] = []
    if kinds is not None:
        named = dict.fromkeys(kinds)
        parts.append(f"kind IN ({', '.join('?' * len(named))})")
        values += named
    for tag in tags or ():
        parts.append("EXISTS (SELECT 1 FROM json_each(memories.tags) WHERE value = ?)")
        values.append(clean(tag))
    for bound, comparison in ((since, ">="), (until, "<")):
        if bound is not None:
            parts.append(f"COALESCE(memories.updated_at, memories.created_at) {comparison} ?")
            values.append(bound)
    return " AND ".join(parts), values


def entry_of(fact: Fact, scope: Scope) -> MemoryEntry:
    sources = [Source.model_validate(source) for source in from_json(fact.sources)]
    return MemoryEntry(
        id=fact.uid,
        key=fact.key,
        text=fact.text,
        kind=fact.kind,
        tags=from_json(fact.tags),
        scope=scope,
        source=sources[-1] if sources else Source(),
        sources=sources,
        version=fact.version,
        valid_from=optional_time(fact.valid_from),
        valid_to=optional_time(fact.valid_to),
        expires_at=optional_time(fact.expires_at),
        created_at=text_of_time(fact.created_at),
        updated_at=text_of_time(fact.updated_at),
    )


def as_json(value: object) -> str:
    return to_json(value).decode()


def clean_source(source: Source) -> dict[str, str]:
    return {name: clean(value) for name, value in source.to_wire().items()}


def _place(cursor: str | None) -> int:
    """How far into the scope the newest one of the page is."""
    if cursor is None:
        return 1 << 62
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 12):
        raise InvalidParams("`cursor` is not from a page of facts", hint="pass on `nextCursor` as it is")
    return int(cursor)
