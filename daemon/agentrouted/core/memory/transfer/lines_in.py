"""Lines of an export become rows again, many at a time."""

import itertools
import sqlite3
from collections.abc import Sequence
from typing import Final

from agentrouted.core.endpoint import Boundary, stricter
from agentrouted.core.errors import Conflict, InvalidParams
from agentrouted.core.memory.facts import COLUMNS, Fact, as_json, clean_source
from agentrouted.core.memory.message_rows import Said, insert_messages
from agentrouted.core.memory.remembering import NewFacts, union
from agentrouted.core.memory.scopes import scope_id
from agentrouted.core.memory.sessions import find_session
from agentrouted.core.memory.terms import clean, fingerprint
from agentrouted.core.memory.transfer.lines import FactLine, Line, MessageLine, SessionLine
from agentrouted.core.times import seconds_of
from agentrouted_protocol.scope import Scope

_SAME: Final = (
    f"SELECT {COLUMNS} FROM memories WHERE uid = ?1 OR (scope = ?2 AND key = ?3)"
    " OR (scope = ?2 AND digest = ?4 AND (key IS NULL OR ?3 IS NULL))"
)


def take_in(
    connection: sqlite3.Connection, lines: Sequence[tuple[str, Line]], refused: set[str], boundary: Boundary | None
) -> tuple[int, int, list[str]]:
    """How many facts and messages are new, or newer than what was there; and what could not be taken in, by place.

    `refused` collects sessions that are in another scope here. `boundary` is the one in force.
    """
    facts, messages = _Facts(connection, boundary), _Messages(connection, boundary)
    problems = []
    for place, line in lines:
        try:
            match line:
                # Facts see the ids of messages, and messages those of facts, only when these are in the file.
                case FactLine():
                    messages.flush()
                    facts.take(line)
                case SessionLine():
                    _take_session(connection, line, refused)
                case MessageLine() if line.session_id not in refused:
                    facts.flush()
                    messages.take(line)
        except (InvalidParams, Conflict) as error:
            problems.append(f"{place}: {error.message}")
    facts.flush()
    messages.flush()
    return facts.taken, messages.taken, problems


class _Facts:
    """The facts of one transaction. They are in the file once they are flushed."""

    def __init__(self, connection: sqlite3.Connection, boundary: Boundary | None) -> None:
        self.taken = 0
        self._connection = connection
        self._boundary = boundary
        self._new = NewFacts(connection)
        self._waiting: set[object] = set()
        """Ids and identities of those that are not flushed yet."""

    def take(self, line: FactLine) -> None:
        fact = _fact_of(self._connection, line)
        tells_apart = {fact.uid, fact.identity, (fact.scope, fact.digest)}
        if not self._waiting.isdisjoint(tells_apart):
            self.flush()
        found = _found(self._connection, fact)
        # Several keys may have this text: it joins one of them.
        twins = [each for each in found if _is_twin(each, fact)][:1]
        there = [each for each in found if not _is_twin(each, fact)]
        if any(each.scope != fact.scope for each in there):
            raise Conflict("what has its `id` is in another scope")
        fact = fact._replace(boundary=stricter(self._boundary, fact.boundary, *(each.boundary for each in there)))
        if any(_is_same(each, fact) or each.updated_at >= fact.updated_at for each in there):
            for each in there:
                _keep_within(self._connection, each.id, each.boundary, fact.boundary)
            return
        for twin in twins:
            fact = _joined(twin, fact)
        if fact not in twins:
            self._put(fact, line.scope, in_place_of=[*there, *twins])
            self._waiting |= tells_apart

    def _put(self, fact: Fact, scope: Scope, in_place_of: Sequence[Fact]) -> None:
        for each in in_place_of:
            self._connection.execute("DELETE FROM memories WHERE id = ?", (each.id,))
        _, new_row = self._new.next_id(scope)
        self._new.add(fact._replace(id=new_row))
        self.taken += 1

    def flush(self) -> None:
        if self._waiting:
            self._new.flush()
            self._waiting.clear()


class _Messages:
    """The messages of one transaction, as `_Facts`; only those of one session wait at a time."""

    def __init__(self, connection: sqlite3.Connection, boundary: Boundary | None) -> None:
        self.taken = 0
        self._connection = connection
        self._boundary = boundary
        self._waiting: dict[str, Said] = {}
        self._session_id: str | None = None
        self._session = 0, 0

    def take(self, line: MessageLine) -> None:
        uid, boundary = clean(line.id), stricter(self._boundary, line.boundary)
        if line.session_id != self._session_id or uid in self._waiting:
            self.flush()
        there = self._connection.execute("SELECT id, boundary FROM memories WHERE uid = ?", (uid,)).fetchone()
        if there is not None:
            row, before = there
            _keep_within(self._connection, row, before, boundary)
            return
        if line.session_id != self._session_id:
            self._session_id, self._session = line.session_id, _session_of(self._connection, line)
        created = seconds_of(line.created_at, "createdAt")
        run_id = line.run_id and clean(line.run_id)
        self._waiting[uid] = Said(uid, *self._session, created, line.message, run_id, boundary)
        self.taken += 1

    def flush(self) -> None:
        if self._waiting:
            insert_messages(self._connection, list(self._waiting.values()))
            self._waiting.clear()


def _found(connection: sqlite3.Connection, fact: Fact) -> list[Fact]:
    """The same fact as it is in the file, by its id, its key or its text; or the message that has its id."""
    found = connection.execute(_SAME, (fact.uid, fact.scope, fact.key, fact.digest))
    return list(itertools.starmap(Fact, found))


def _is_twin(there: Fact, fact: Fact) -> bool:
    """One by their text, since one of the two has no key."""
    one_has_no_key = (there.key is None) != (fact.key is None)
    return one_has_no_key and there.digest == fact.digest and there.scope == fact.scope


def _is_same(there: Fact, fact: Fact) -> bool:
    """As it is; or a message, in whose place no fact comes."""
    is_message = there.digest is None
    return there.uid == fact.uid and (is_message or (there.text, there.version) == (fact.text, fact.version))


def _joined(twin: Fact, fact: Fact) -> Fact:
    """What the newer one says, with what both have."""
    older, newer = sorted((twin, fact), key=lambda each: each.updated_at)
    return newer._replace(
        id=twin.id,
        uid=twin.uid,
        key=twin.key or fact.key,
        tags=union(older.tags, newer.tags),
        sources=union(older.sources, newer.sources),
        boundary=stricter(twin.boundary, fact.boundary),
    )


def _fact_of(connection: sqlite3.Connection, line: FactLine) -> Fact:
    """Without its id. Raises `InvalidParams`."""
    text = clean(line.text)
    if not text.strip():
        raise InvalidParams("its `text` is empty")
    if not 0 < line.version < 1 << 63:
        raise InvalidParams("its `version` is not from an export")
    if not line.id:
        raise InvalidParams("its `id` is empty")
    return Fact(
        id=0,
        uid=clean(line.id),
        kind=line.kind,
        text=text,
        digest=fingerprint(text),
        key=None if line.key is None else clean(line.key),
        tags=as_json(list(map(clean, line.tags))),
        sources=as_json(list(map(clean_source, line.sources))),
        version=line.version,
        valid_from=seconds_of(line.valid_from, "validFrom"),
        valid_to=seconds_of(line.valid_to, "validTo"),
        expires_at=seconds_of(line.expires_at, "expiresAt"),
        created_at=seconds_of(line.created_at, "createdAt"),
        updated_at=seconds_of(line.updated_at, "updatedAt"),
        boundary=line.boundary,
        # After the times: a line with a wrong one makes no scope.
        scope=scope_id(connection, line.scope),
    )


def _keep_within(connection: sqlite3.Connection, row: int, before: Boundary | None, boundary: Boundary | None) -> None:
    """The stricter boundary holds from now on for what is there already."""
    if stricter(before, boundary) != before:
        connection.execute("UPDATE memories SET boundary = ? WHERE id = ?", (stricter(before, boundary), row))


def _take_session(connection: sqlite3.Connection, line: SessionLine, refused: set[str]) -> None:
    times = seconds_of(line.created_at, "createdAt"), seconds_of(line.updated_at, "updatedAt")
    try:
        find_session(connection, clean(line.session_id), line.scope)
    except Conflict:
        refused.add(line.session_id)
        raise
    connection.execute(
        "INSERT OR IGNORE INTO memory_sessions (session_id, scope, title, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (clean(line.session_id), scope_id(connection, line.scope), line.title and clean(line.title), *times),
    )


def _session_of(connection: sqlite3.Connection, line: MessageLine) -> tuple[int, int]:
    """The rows of the session and of its scope; made where the line of the session is missing."""
    name = clean(line.session_id)
    found = find_session(connection, name, None)
    if found is None:
        times = {"created_at": line.created_at, "updated_at": line.created_at}
        _take_session(connection, SessionLine(session_id=line.session_id, **times), set())
        found = find_session(connection, name, None)
        assert found is not None
    return found
