"""What is remembered about a question, the best first."""

import json
import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from agentrouted.core.endpoint import Boundary
from agentrouted.core.memory.facts import conditions
from agentrouted.core.memory.message_rows import role_of
from agentrouted.core.memory.ranking import Where, by_ids, rank
from agentrouted.core.memory.scopes import Range, ScopeRow, counted, find_scope, whole_range
from agentrouted.core.memory.scores import Term
from agentrouted.core.memory.terms import clean, terms_of, unaccented
from agentrouted.core.memory.wording import pairs_of, telling
from agentrouted.core.times import seconds_of, text_of_time
from agentrouted_protocol.memory import MemoryHit, MemoryRecallParams, Source
from agentrouted_protocol.scope import Scope

# Rows beyond the limit that are read at first, since some may not be in force.
_SPARE: Final = 5

# So many times more are read when these were not enough.
_MORE: Final = 4

# So many are weighed for their wording, if need be.
_WEIGHED: Final = 50
_SNIPPET: Final = 240

_NOWHERE: Final = Source()

_IN_FORCE: Final = (
    "(expires_at IS NULL OR expires_at > ?) AND (valid_from IS NULL OR valid_from <= ?)"
    " AND (valid_to IS NULL OR valid_to > ?)"
)

_ROW: Final = (
    "memories.id, uid, kind, key, text, tags, sources, memories.created_at, run_id,"
    " (SELECT session_id FROM memory_sessions WHERE id = memories.session), expires_at, valid_from, valid_to, boundary,"
    " COALESCE(updated_at, memories.created_at)"
)


class Row(NamedTuple):
    id: int
    uid: str
    kind: Any
    key: str | None
    text: str
    tags: str | None
    sources: str | None
    created_at: float
    run_id: str | None
    session_id: str | None
    expires_at: float | None
    valid_from: float | None
    valid_to: float | None
    boundary: Boundary | None
    written_at: float


class Found(NamedTuple):
    row: Row
    scope: Scope
    score: float
    terms: Sequence[Term]
    telling: float = 1.0
    """What the wording has made of the sum of the words."""


def recall(connection: sqlite3.Connection, params: MemoryRecallParams, leaves: bool = False) -> list[MemoryHit]:
    """Facts that are valid now, and messages. An empty query finds what was written last.

    `leaves` says that what is found may leave this machine: see `Where`.
    """
    found = [
        each for scope, where in places(connection, params, leaves) for each in find(connection, params, scope, where)
    ]
    return [hit_of(connection, each, params.explain) for each in sort(found)[: params.limit]]


def sort(found: Iterable[Found]) -> list[Found]:
    """The best first; of equals, the newest."""
    return sorted(found, key=lambda each: (-round(each.score, 6), -each.row.written_at, -each.row.id))


def find(connection: sqlite3.Connection, params: MemoryRecallParams, scope: Scope, where: Where) -> list[Found]:
    if not params.query.strip():
        return [Found(row, scope, 0.0, ()) for row in _newest(connection, where, params.limit)]
    found, may_be_more = _best(connection, params, scope, where)
    if may_be_more:
        # To look only for what is in force takes longer, so it is not done at first.
        condition, values = may_be_found(where)
        found, _ = _best(connection, params, scope, replace(where, condition=condition, values=values))
    return found


def _best(
    connection: sqlite3.Connection, params: MemoryRecallParams, scope: Scope, where: Where
) -> tuple[list[Found], bool]:
    """And whether others may be in force, where too few of those that fit best are."""
    pairs, count = pairs_of(params.query), params.limit + _SPARE
    ranking = rank(connection, terms_of(params.query), where, count)
    while True:
        best = ranking.best(count)
        rows = rows_of(connection, list(best), where.leaves)
        found = [_weighed(row, scope, best[row.id], ranking.terms, pairs) for row in rows]
        if len(best) < count or len(found) * _MORE < params.limit:
            return found, len(found) < params.limit and not ranking.has_all
        if _is_settled(found, params.limit, min(best.values()), count):
            return found, False
        count *= _MORE


def _is_settled(found: Sequence[Found], limit: int, rest: float, count: int) -> bool:
    """Whether nothing further down, where the words make less than `rest`, would come to the top by its wording."""
    if len(found) < limit:
        return False
    return count > _WEIGHED or sorted(each.score for each in found)[-limit] >= rest


def places(connection: sqlite3.Connection, params: MemoryRecallParams, leaves: bool) -> Iterable[tuple[Scope, Where]]:
    """The scope that is named; and where that names a session, the messages of this session in the scope around it."""
    # What is no time is refused also where nothing is kept.
    seconds_of(params.since, "since"), seconds_of(params.until, "until")
    scope = find_scope(connection, params.scope)
    if scope is not None and (where := _where(connection, params, scope, params.session_id, leaves)):
        yield params.scope, where
    if not params.scope.session:
        return
    around = params.scope.model_copy(update={"session": None})
    scope = find_scope(connection, around)
    if scope is not None and params.session_id in (None, params.scope.session):
        where = _where(connection, params, scope, params.scope.session, leaves)
        if where:
            yield around, where


def _where(
    connection: sqlite3.Connection, params: MemoryRecallParams, scope: ScopeRow, session_id: str | None, leaves: bool
) -> Where | None:
    since, until = seconds_of(params.since, "since"), seconds_of(params.until, "until")
    kinds = None if params.kinds is None else set(params.kinds)
    messages = (
        scope.messages if (kinds is None or "message" in kinds) and not params.tags and scope.messages.rows else None
    )
    facts = counted(connection, scope.facts) if (kinds is None or kinds - {"message"}) and scope.facts.rows else None
    values: list[Any]
    condition, values = conditions(kinds=params.kinds, tags=params.tags, since=since, until=until)
    if session_id is not None:
        found = _session(connection, scope, session_id)
        if found is None:
            return None
        session, messages = found[0], messages and Range(found[1], found[2], found[2] - found[1] + 1, found[2])
        facts = None
        condition, values = f"{condition} AND memories.session = ?", [*values, session]
    if facts is None and messages is None:
        return None
    if leaves and _has_what_stays(connection, scope):
        # Else the newest of a word could all be left out later on, and older ones would not be found.
        condition = f"{condition} AND boundary IS NOT 'local'"
    return Where(facts, messages, "" if condition == "TRUE" else condition, values, leaves)


def _has_what_stays(connection: sqlite3.Connection, scope: ScopeRow) -> bool:
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM memories WHERE boundary = 'local' AND id BETWEEN ? AND ?)", whole_range(scope.id)
    )
    return bool(found.fetchone()[0])


def _session(connection: sqlite3.Connection, scope: ScopeRow, session_id: str) -> tuple[int, int, int] | None:
    """Its row, and its first and last message."""
    found: tuple[int, int, int] | None = connection.execute(
        "SELECT memory_sessions.id, MIN(memories.id), MAX(memories.id) FROM memory_sessions"
        " JOIN memories ON session = memory_sessions.id"
        " WHERE session_id = ? AND memory_sessions.scope = ? GROUP BY memory_sessions.id",
        (clean(session_id), scope.id),
    ).fetchone()
    return found


def _weighed(row: Row, scope: Scope, score: float, terms: Sequence[Term], pairs: Sequence[str]) -> Found:
    factor = telling(row.text, pairs)
    return Found(row, scope, score * factor, terms, factor)


def rows_of(connection: sqlite3.Connection, ids: Sequence[int], leaves: bool) -> list[Row]:
    """Those of them that are in force, and may be found."""
    now = time.time()
    rows = map(Row._make, by_ids(connection, f"SELECT {_ROW} FROM memories", ids))
    return [row for row in rows if _is_in_force(row, now) and not (leaves and row.boundary == "local")]


def _is_in_force(row: Row, now: float) -> bool:
    return (
        (row.expires_at is None or row.expires_at > now)
        and (row.valid_from is None or row.valid_from <= now)
        and (row.valid_to is None or row.valid_to > now)
    )


def may_be_found(where: Where) -> tuple[str, list[Any]]:
    """As SQL over `memories`, and its values."""
    stays_not = "boundary IS NOT 'local'" if where.leaves else "TRUE"
    return f"{_IN_FORCE} AND {stays_not} AND {where.condition or 'TRUE'}", [*[time.time()] * 3, *where.values]


def _newest(connection: sqlite3.Connection, where: Where, count: int) -> list[Row]:
    condition, values = may_be_found(where)
    rows: list[Row] = []
    for part in (where.facts, where.messages):
        if part is not None:
            found = connection.execute(
                f"SELECT id FROM memories WHERE id BETWEEN ? AND ? AND text != '' AND {condition}"
                " ORDER BY id DESC LIMIT ?",
                (part.first, part.last, *values, count),
            )
            rows += rows_of(connection, [row for (row,) in found], where.leaves)
    return rows


def hit_of(connection: sqlite3.Connection, found: Found, explain: bool) -> MemoryHit:
    row = found.row
    return MemoryHit(
        id=row.uid,
        kind=row.kind,
        key=row.key,
        text=row.text,
        snippet=_snippet(found),
        score=round(found.score, 6),
        tags=json.loads(row.tags) if row.tags not in (None, "[]") else [],
        scope=found.scope,
        source=_source(row),
        role=role_of(connection, row.id) if row.kind == "message" else None,
        created_at=text_of_time(row.created_at),
        explain=_explanation(found) if explain else None,
    )


def _source(row: Row) -> Source:
    if row.kind == "message":
        return Source(run_id=row.run_id, session_id=row.session_id, message_id=row.uid)
    return _NOWHERE if row.sources in (None, "[]") else Source.model_validate(json.loads(row.sources)[-1])


def _explanation(found: Found) -> dict[str, Any]:
    """By word, in how many entries it is about, where it was found in this one, and what that adds to the score; then
    what their sum was multiplied by, if the wording told something.
    """
    row = found.row.id
    words = {
        _words(term)[0]: {
            "entries": round(term.documents),
            "found": "text" if row in term.texts else "around",
            "score": round(part, 6),
        }
        for term in found.terms
        if (part := term.part_of(row))
    }
    return {"words": words} | ({"wording": round(found.telling, 6)} if found.telling != 1 else {})


def _snippet(found: Found) -> str:
    """The text around the rarest word of the question that stands in it."""
    text = found.row.text
    if len(text) <= _SNIPPET:
        return text
    plain = unaccented(text)
    words = [word for term in found.terms if found.row.id in term.texts for word in _words(term)]
    # Endings may differ, so the beginning of a word is looked for.
    places = (plain.find(unaccented(word[: max(3, len(word) - 3)])) for word in words)
    place = next((place for place in places if place >= 0), 0)
    first = max(0, min(place - _SNIPPET // 3, len(text) - _SNIPPET))
    last = first + _SNIPPET
    return f"{'…' if first else ''}{text[first:last].strip()}{'…' if last < len(text) else ''}"


def _words(term: Term) -> list[str]:
    return re.findall(r'"([^"]+)"', term.expression)
