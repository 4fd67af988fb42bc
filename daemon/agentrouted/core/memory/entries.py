"""Facts as rows: kept once, replaced by key, found again."""

import json
import sqlite3
import time
from collections.abc import Sequence
from operator import itemgetter
from random import Random
from typing import Any, Final

from pydantic_core import to_json

from agentrouted.core.errors import InvalidParams
from agentrouted.core.memory.index import add_to_index
from agentrouted.core.memory.scopes import find_scope, next_fact, scope_of
from agentrouted.core.memory.terms import clean, fingerprint, indexed
from agentrouted.core.secrets import secrets_in, without_secrets
from agentrouted.core.times import optional_time, seconds_of, text_of_time
from agentrouted_protocol.memory import (
    MemoryEntry,
    MemoryGetParams,
    MemoryListParams,
    MemoryListResult,
    MemoryRememberParams,
    MemoryRememberResult,
    Source,
)

COLUMNS: Final = (
    "id, uid, scope, kind, text, created_at, key, tags, sources, version, valid_from, valid_to, expires_at, updated_at"
)

_NAMES: Final = (*COLUMNS.split(", "), "words", "around", "digest")
_INSERT: Final = f"INSERT INTO memories ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"
# By their places: by names, binding them takes as long as inserting the row.
_in_order: Final = itemgetter(*_NAMES)

# Of each process its own.
_random: Final = Random()


def new_uid() -> str:
    """In the order of time, so that an index of them grows at its end."""
    return f"{time.time_ns() // 1000:014x}{_random.getrandbits(40):010x}"


def remember(connection: sqlite3.Connection, fact: MemoryRememberParams, source: Source) -> MemoryRememberResult:
    """The same key replaces; without one, the same words in the same scope are the same fact."""
    redacted = [] if fact.allow_secrets else secrets_in("\n".join([fact.text, fact.key or "", *fact.tags]))
    if redacted:
        fact = _without_secrets(fact)
    text = clean(fact.text)
    if not text.strip():
        raise InvalidParams("`text` is empty: there is nothing to remember")
    now = round(time.time(), 3)
    scope, place = next_fact(connection, fact.scope)
    key = None if fact.key is None else clean(fact.key)
    digest = fingerprint(text)
    before = _before(connection, scope, key, digest)
    tags = list(dict.fromkeys(map(clean, fact.tags)))
    row: dict[str, Any] = {
        "id": place,
        "uid": new_uid(),
        "scope": scope,
        "kind": fact.kind,
        "text": text,
        "created_at": now,
        "key": key,
        "tags": tags,
        "sources": [],
        "version": 1,
        "valid_from": seconds_of(fact.valid_from, "validFrom"),
        "valid_to": seconds_of(fact.valid_to, "validTo"),
        "expires_at": seconds_of(fact.expires_at, "expiresAt"),
        "updated_at": now,
    }
    if before is not None:
        connection.execute("DELETE FROM memories WHERE id = ?", (before["id"],))
        if _has_expired(before, now):
            before = None
        else:
            row |= _merged(before, row, replaced=key is not None)
    if (said := clean_source(source)) and said not in row["sources"]:
        row["sources"] = [*row["sources"], said]
    insert_fact(connection, row, digest)
    return MemoryRememberResult(id=row["uid"], version=row["version"], merged=before is not None, redacted=redacted)


def insert_fact(connection: sqlite3.Connection, row: dict[str, Any], digest: bytes) -> None:
    """`row` has all of `COLUMNS`; tags and sources as lists."""
    prepared = indexed(row["text"])
    values = {
        **row,
        "words": None if prepared == row["text"] else prepared,
        "around": indexed(" ".join([row["key"] or "", *row["tags"]])),
        "tags": to_json(row["tags"]).decode(),
        "sources": to_json(row["sources"]).decode(),
        "digest": digest,
    }
    connection.execute(_INSERT, _in_order(values))
    add_to_index(connection, values["id"], prepared, values["around"])


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
    return entry_of(connection, rows[0]) if rows else None


def list_entries(connection: sqlite3.Connection, params: MemoryListParams) -> MemoryListResult:
    """What was written last comes first."""
    scope = find_scope(connection, params.scope)
    if scope is None:
        return MemoryListResult(entries=[])
    before = _place(params.cursor, scope.facts.first, scope.facts.last)
    condition, values = conditions(kinds=params.kinds, tags=params.tags)
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM memories WHERE id BETWEEN ? AND ? AND (expires_at IS NULL OR expires_at > ?)"
        f" AND {condition} ORDER BY id DESC LIMIT ?",
        (scope.facts.first, before, time.time(), *values, params.limit + 1),
    ).fetchall()
    page = rows[: params.limit]
    more = len(rows) > params.limit
    return MemoryListResult(
        entries=[entry_of(connection, row) for row in page],
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
        parts.append(f"kind IN ({', '.join('?' * len(kinds))})")
        values += kinds
    for tag in tags or ():
        parts.append("EXISTS (SELECT 1 FROM json_each(memories.tags) WHERE value = ?)")
        values.append(clean(tag))
    for bound, comparison in ((since, ">="), (until, "<")):
        if bound is not None:
            parts.append(f"memories.created_at {comparison} ?")
            values.append(bound)
    return " AND ".join(parts), values


def entry_of(connection: sqlite3.Connection, row: Sequence[Any]) -> MemoryEntry:
    """Of a row with `COLUMNS`."""
    _, uid, scope, kind, text, created, key, tags, sources, version, valid_from, valid_to, expires, updated = row
    said = [Source.model_validate(source) for source in json.loads(sources)]
    return MemoryEntry(
        id=uid,
        key=key,
        text=text,
        kind=kind,
        tags=json.loads(tags),
        scope=scope_of(connection, scope),
        source=said[-1] if said else Source(),
        sources=said,
        version=version,
        valid_from=optional_time(valid_from),
        valid_to=optional_time(valid_to),
        expires_at=optional_time(expires),
        created_at=text_of_time(created),
        updated_at=text_of_time(updated),
    )


def clean_source(source: Source) -> dict[str, str]:
    return {name: clean(value) for name, value in source.to_wire().items()}


def _without_secrets(fact: MemoryRememberParams) -> MemoryRememberParams:
    said = {
        "text": without_secrets(fact.text),
        "key": fact.key and without_secrets(fact.key),
        "tags": list(map(without_secrets, fact.tags)),
    }
    return fact.model_copy(update=said)


def _before(connection: sqlite3.Connection, scope: int, key: str | None, digest: bytes) -> dict[str, Any] | None:
    """The fact that this one is."""
    column, value = ("key", key) if key is not None else ("digest", digest)
    cursor = connection.execute(
        f"SELECT {COLUMNS} FROM memories WHERE scope = ? AND {column} = ? ORDER BY id LIMIT 1", (scope, value)
    )
    found = cursor.fetchone()
    if found is None:
        return None
    row = dict(zip((each[0] for each in cursor.description), found, strict=True))
    return row | {"tags": json.loads(row["tags"]), "sources": json.loads(row["sources"])}


def _has_expired(row: dict[str, Any], now: float) -> bool:
    return row["expires_at"] is not None and row["expires_at"] <= now


def _merged(before: dict[str, Any], row: dict[str, Any], *, replaced: bool) -> dict[str, Any]:
    """What stays of the fact that was there."""
    kept = {name: before[name] for name in ("uid", "created_at", "sources")}
    if replaced:
        return kept | {"version": before["version"] + 1}
    bounds = {
        name: before[name] if row[name] is None else row[name] for name in ("valid_from", "valid_to", "expires_at")
    }
    same = {name: before[name] for name in ("text", "kind", "key", "version")}
    return kept | bounds | same | {"tags": list(dict.fromkeys([*before["tags"], *row["tags"]]))}


def _place(cursor: str | None, first: int, last: int) -> int:
    """The newest id of the page."""
    if cursor is None:
        return last
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 12):
        raise InvalidParams("`cursor` is not from a page of facts", hint="pass on `nextCursor` as it is")
    return first + int(cursor) - 1
