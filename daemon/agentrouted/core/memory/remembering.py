"""Facts kept: once each, replaced by key, many at a time."""

import json
import sqlite3
import time
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

from pydantic_core import to_json

from agentrouted.core.endpoint import Boundary, stricter
from agentrouted.core.errors import InvalidParams
from agentrouted.core.memory.entries import COLUMNS, clean_source, new_uid
from agentrouted.core.memory.index import add_all_to_index
from agentrouted.core.memory.scopes import FactIds
from agentrouted.core.memory.terms import clean, fingerprint, indexed
from agentrouted.core.secrets import secrets_in, without_secrets
from agentrouted.core.times import seconds_of
from agentrouted_protocol.memory import MemoryRememberParams, MemoryRememberResult, Source
from agentrouted_protocol.scope import Scope

_NAMES: Final = (*COLUMNS.split(", "), "words", "around", "digest", "boundary")
_INSERT: Final = f"INSERT INTO memories ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"
# By their places: by names, binding them takes as long as inserting the row.
_in_order: Final = itemgetter(*_NAMES)
_to_index: Final = itemgetter("id", "prepared", "around")


class NewFacts:
    """Facts that come in one transaction. Those that are added are in the file once it is flushed: all rows first,
    then all words, takes half as long as one fact after the other.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids = FactIds(connection)
        self._rows: list[dict[str, Any]] = []
        self._identities: set[tuple[int, str | bytes]] = set()

    def next_id(self, scope: Scope) -> tuple[int, int]:
        """The row of the scope, and the id of its next fact."""
        return self._ids.next(scope)

    def add(self, row: dict[str, Any], digest: bytes) -> None:
        """`row` has all of `COLUMNS`, tags and sources as lists, and its boundary."""
        prepared = indexed(row["text"])
        values = {
            "prepared": prepared,
            "words": None if prepared == row["text"] else prepared,
            "around": indexed(" ".join([row["key"] or "", *row["tags"]])),
            "tags": to_json(row["tags"]).decode(),
            "sources": to_json(row["sources"]).decode(),
            "digest": digest,
        }
        self._rows.append(row | values)
        self._identities |= {(row["scope"], digest), (row["scope"], digest if row["key"] is None else row["key"])}

    def replaced(self, scope: int, key: str | None, digest: bytes) -> dict[str, Any] | None:
        """The fact that this one is, taken out."""
        if (scope, digest if key is None else key) in self._identities:
            self.flush()
        before = _before(self._connection, scope, key, digest)
        if before is not None:
            self._connection.execute("DELETE FROM memories WHERE id = ?", (before["id"],))
        return before

    def flush(self) -> None:
        self._connection.executemany(_INSERT, map(_in_order, self._rows))
        add_all_to_index(self._connection, map(_to_index, self._rows))
        self._ids.write()
        self._rows.clear()
        self._identities.clear()


def remember_all(
    connection: sqlite3.Connection, facts: Sequence[tuple[MemoryRememberParams, Source, Boundary | None]]
) -> list[MemoryRememberResult]:
    """The same key replaces; without one, the same words in the same scope are the same fact.

    Each comes with the boundary that it is said within.
    """
    new = NewFacts(connection)
    results = [_remember(new, *fact) for fact in facts]
    new.flush()
    return results


def _remember(
    new: NewFacts, fact: MemoryRememberParams, source: Source, boundary: Boundary | None
) -> MemoryRememberResult:
    redacted = [] if fact.allow_secrets else secrets_in("\n".join([fact.text, fact.key or "", *fact.tags]))
    if redacted:
        fact = _without_secrets(fact)
    text = clean(fact.text)
    if not text.strip():
        raise InvalidParams("`text` is empty: there is nothing to remember")
    now = round(time.time(), 3)
    scope, place = new.next_id(fact.scope)
    key = None if fact.key is None else clean(fact.key)
    digest = fingerprint(text)
    row: dict[str, Any] = {
        "id": place,
        "uid": new_uid(),
        "scope": scope,
        "kind": fact.kind,
        "text": text,
        "created_at": now,
        "key": key,
        "tags": list(dict.fromkeys(map(clean, fact.tags))),
        "sources": [],
        "version": 1,
        "valid_from": seconds_of(fact.valid_from, "validFrom"),
        "valid_to": seconds_of(fact.valid_to, "validTo"),
        "expires_at": seconds_of(fact.expires_at, "expiresAt"),
        "updated_at": now,
        "boundary": boundary,
    }
    before = new.replaced(scope, key, digest)
    if before is not None and _has_expired(before, now):
        before = None
    if before is not None:
        row |= _merged(before, row, replaced=key is not None)
    if (said := clean_source(source)) and said not in row["sources"]:
        row["sources"] = [*row["sources"], said]
    new.add(row, digest)
    return MemoryRememberResult(id=row["uid"], version=row["version"], merged=before is not None, redacted=redacted)


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
        f"SELECT {COLUMNS}, boundary FROM memories WHERE scope = ? AND {column} = ? ORDER BY id LIMIT 1", (scope, value)
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
    kept["boundary"] = stricter(before["boundary"], row["boundary"])
    if replaced:
        return kept | {"version": before["version"] + 1}
    bounds = {
        name: before[name] if row[name] is None else row[name] for name in ("valid_from", "valid_to", "expires_at")
    }
    same = {name: before[name] for name in ("text", "kind", "key", "version")}
    return kept | bounds | same | {"tags": list(dict.fromkeys([*before["tags"], *row["tags"]]))}
