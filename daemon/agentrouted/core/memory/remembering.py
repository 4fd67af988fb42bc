"""Facts kept: once each, replaced by key, many at a time."""

import itertools
import sqlite3
import time
from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import from_json

from agentrouted.core.endpoint import Boundary, stricter
from agentrouted.core.errors import InvalidParams
from agentrouted.core.memory.facts import COLUMNS, NONE, Fact, Identity, as_json, clean_source, new_uid
from agentrouted.core.memory.index import add_to_index
from agentrouted.core.memory.names import refuse_secrets
from agentrouted.core.memory.scopes import FactIds
from agentrouted.core.memory.terms import clean, fingerprint, indexed
from agentrouted.core.secrets import secrets_in, without_secrets
from agentrouted.core.times import seconds_of
from agentrouted_protocol.memory import MemoryRememberParams, MemoryRememberResult, Source
from agentrouted_protocol.scope import Scope

_INSERT: Final = f"INSERT INTO memories ({COLUMNS}, words, around) VALUES ({', '.join('?' * (len(Fact._fields) + 2))})"

# Facts that are looked for in one statement.
_AT_ONCE: Final = 250


class NewFacts:
    """Facts that come in one transaction. Those that are added are in the file once it is flushed: all rows first,
    then all words, takes half as long as one fact after the other.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids = FactIds(connection)
        self._rows: list[tuple[Any, ...]] = []
        self._words: list[tuple[int, str, str]] = []
        self._gone: list[int] = []
        self._known: dict[Identity, Fact | None] = {}
        """What is in the file, as far as it was looked for and has not changed since."""

    def next_id(self, scope: Scope) -> tuple[int, int]:
        """The row of the scope, and the id of its next fact."""
        return self._ids.next(scope)

    def look_for(self, facts: Sequence[Fact]) -> None:
        """All in one go takes a quarter of the time that it does one by one."""
        keys = [(fact.scope, fact.key) for fact in facts if fact.key is not None]
        digests = [(fact.scope, fact.digest) for fact in facts]
        self._known |= dict.fromkeys([*keys, *digests])
        self._known |= _there(self._connection, "key", keys)
        self._known |= _there(self._connection, "digest", digests)

    def replaced(self, fact: Fact) -> list[Fact]:
        """The same fact as it is in the file: by its text, where one of the two has no key, and by its key. They go."""
        same_text = fact.scope, fact.digest
        if same_text not in self._known or fact.identity not in self._known:
            self.flush()
            self.look_for([fact])
        before = [each for each in (self._known[fact.identity],) if each is not None]
        by_text = self._known[same_text]
        if fact.key is not None and by_text is not None and by_text.key is None:
            before.insert(0, by_text)
        for each in before:
            self._gone.append(each.id)
            self._changed(each)
        return before

    def add(self, fact: Fact) -> None:
        words = indexed(fact.text)
        around = around_of(fact.key, fact.tags)
        self._rows.append((*fact, None if words == fact.text else words, around))
        self._words.append((fact.id, words, around))
        self._changed(fact)

    def flush(self) -> None:
        if self._gone:
            # As one statement: for each that deletes, the index writes out what it has.
            gone = as_json(self._gone)
            self._connection.execute("DELETE FROM memories WHERE id IN (SELECT value FROM json_each(?))", (gone,))
        self._connection.executemany(_INSERT, self._rows)
        add_to_index(self._connection, self._words)
        self._ids.write()
        self._rows.clear()
        self._words.clear()
        self._gone.clear()

    def _changed(self, fact: Fact) -> None:
        self._known.pop((fact.scope, fact.digest), None)
        if fact.key is not None:
            self._known.pop((fact.scope, fact.key), None)


def around_of(key: str | None, tags: str) -> str:
    """What a fact is found by beside its text."""
    return indexed(" ".join([key or "", *from_json(tags)]))


def remember_all(
    connection: sqlite3.Connection, facts: Sequence[tuple[MemoryRememberParams, Source | None, Boundary | None]]
) -> list[MemoryRememberResult]:
    """The same key replaces; where one of the two has none, the same words in the same scope are the same fact.

    Each comes with its source, and the boundary in force when it was said.
    """
    new = NewFacts(connection)
    now = round(time.time(), 3)
    given = [_given(new, now, *fact) for fact in facts]
    new.look_for([fact for fact, _ in given])
    results = [_remember(new, fact, redacted) for fact, redacted in given]
    new.flush()
    return results


def union(first: str, second: str) -> str:
    """Of two lists, as JSON."""
    both = from_json(first)
    return as_json([*both, *(each for each in from_json(second) if each not in both)])


def _given(
    new: NewFacts, now: float, said: MemoryRememberParams, source: Source | None, boundary: Boundary | None
) -> tuple[Fact, list[str]]:
    """A fact as if there were no other, and the kinds of secrets that were left out."""
    redacted = []
    if not said.allow_secrets:
        refuse_secrets(said.scope)
        if redacted := secrets_in("\n".join([said.text, said.key or "", *said.tags])):
            said = _without_secrets(said)
    text = clean(said.text)
    if not text.strip():
        raise InvalidParams("`text` is empty: there is nothing to remember")
    valid_from, valid_to = seconds_of(said.valid_from, "validFrom"), seconds_of(said.valid_to, "validTo")
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise InvalidParams("`validTo` is not after `validFrom`", hint="as it stands, it would never be recalled")
    scope, place = new.next_id(said.scope)
    key = clean(said.key) if said.key else None
    tags = as_json(list(dict.fromkeys(map(clean, said.tags)))) if said.tags else NONE
    sources = as_json([cleaned]) if source is not None and (cleaned := clean_source(source)) else NONE
    times = valid_from, valid_to, seconds_of(said.expires_at, "expiresAt"), now, now
    fact = Fact(place, new_uid(), scope, said.kind, text, fingerprint(text), key, tags, sources, 1, *times, boundary)
    return fact, redacted


def _remember(new: NewFacts, fact: Fact, redacted: list[str]) -> MemoryRememberResult:
    there = [before for before in new.replaced(fact) if not _has_expired(before, fact.updated_at)]
    for before in there:
        fact = _merged(before, fact)
    new.add(fact)
    return MemoryRememberResult(id=fact.uid, version=fact.version, merged=bool(there), redacted=redacted)


def _without_secrets(fact: MemoryRememberParams) -> MemoryRememberParams:
    said = {
        "text": without_secrets(fact.text),
        "key": fact.key and without_secrets(fact.key),
        "tags": list(map(without_secrets, fact.tags)),
    }
    return fact.model_copy(update=said)


def _there(connection: sqlite3.Connection, column: str, identities: Sequence[Identity]) -> dict[Identity, Fact]:
    """One for each: rather one that has not expired, then one without a key, then the oldest."""
    found: list[tuple[Any, ...]] = []
    now = time.time()
    for first in range(0, len(identities), _AT_ONCE):
        some = identities[first : first + _AT_ONCE]
        found += connection.execute(
            f"SELECT {COLUMNS} FROM (VALUES {', '.join(['(?, ?)'] * len(some))}) CROSS JOIN memories"
            f" ON scope = column1 AND {column} = column2 ORDER BY expires_at <= ? IS TRUE DESC, key IS NULL, id DESC",
            [*(value for identity in some for value in identity), now],
        )
    return {(fact.scope, getattr(fact, column)): fact for fact in itertools.starmap(Fact, found)}


def _has_expired(fact: Fact, now: float) -> bool:
    return fact.expires_at is not None and fact.expires_at <= now


def _merged(before: Fact, fact: Fact) -> Fact:
    """With what stays of the one that was there: its text, unless it is replaced by key. Times are as said last: else
    what is said again could be no longer valid, or expire.
    """
    boundary = stricter(before.boundary, fact.boundary)
    sources = union(before.sources, fact.sources)
    if fact.key is not None and before.key is not None:
        return fact._replace(
            uid=before.uid, created_at=before.created_at, version=before.version + 1, sources=sources, boundary=boundary
        )
    return before._replace(
        id=fact.id,
        # Where no kind is named, it is `fact`.
        kind=before.kind if fact.kind == "fact" else fact.kind,
        key=before.key or fact.key,
        tags=union(before.tags, fact.tags),
        sources=sources,
        valid_from=fact.valid_from,
        valid_to=fact.valid_to,
        expires_at=fact.expires_at,
        updated_at=fact.updated_at,
        boundary=boundary,
    )
