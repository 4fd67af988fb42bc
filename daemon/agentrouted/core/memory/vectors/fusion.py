"""Recall by words and by meaning together."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agentrouted.core.memory.ranking import Where
from agentrouted.core.memory.recall import Found, find, hit_of, may_be_found, places, rows_of, sort
from agentrouted.core.memory.scopes import Range, scope_of_row
from agentrouted_protocol.memory import MemoryHit, MemoryRecallParams
from agentrouted_protocol.scope import Scope

if TYPE_CHECKING:  # takes numpy with it
    from agentrouted.core.memory.vectors.nearest import Nearest

# Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009). Their constant is 60, for long rankings that are as
# good as each other. Here words find better than a small model: the first places count for more, theirs most.
_K: Final = 5
_MEANING: Final = 0.5

# Places of each ranking that count.
_DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is looked: a scope, and which of its rows."""

    scope: Scope
    where: Where

    @property
    def id(self) -> int:
        return scope_of_row(self.parts[0].first)

    @property
    def parts(self) -> list[Range]:
        return [part for part in (self.where.facts, self.where.messages) if part]


def places_of(connection: sqlite3.Connection, params: MemoryRecallParams, leaves: bool) -> list[Place]:
    return [Place(scope, where) for scope, where in places(connection, params, leaves)]


def fused(
    connection: sqlite3.Connection, params: MemoryRecallParams, near: "Sequence[tuple[Place, Nearest]]"
) -> list[MemoryHit]:
    """What stands high in both rankings stands highest."""
    depth = max(_DEPTH, params.limit)
    deep = params.model_copy(update={"limit": depth})
    by_words = _ranked(depth, (each for place, _ in near for each in find(connection, deep, place.scope, place.where)))
    by_meaning = _ranked(
        depth, (each for place, nearest in near for each in _in_force(connection, place, nearest, depth))
    )
    # Of a row that is in both, the words are known, too.
    found = {**by_meaning, **by_words}
    best = sort(
        each.found._replace(score=_part(by_words.get(row)) + _MEANING * _part(by_meaning.get(row)))
        for row, each in found.items()
    )
    return [_hit(each, by_words, by_meaning, params.explain) for each in best[: params.limit]]


@dataclass(frozen=True, slots=True)
class _Ranked:
    rank: int
    """From 1."""

    found: Found


def _part(ranked: _Ranked | None) -> float:
    return 1 / (_K + ranked.rank) if ranked else 0.0


def _ranked(depth: int, found: Iterable[Found]) -> dict[int, _Ranked]:
    return {each.row.id: _Ranked(rank, each) for rank, each in enumerate(sort(found)[:depth], 1)}


def _in_force(connection: sqlite3.Connection, place: Place, nearest: "Nearest", depth: int) -> list[Found]:
    """Those that fit, too. Where most of the nearest do not, more are looked at, and then all."""
    near: dict[int, float] = {}
    fitting: set[int] = set()
    for count in (10 * depth, 100 * depth, len(nearest)):
        if len(fitting) < depth and len(near) < len(nearest):
            near = dict(nearest.first(count))
            fitting = _fitting(connection, place, list(near))
    rows = rows_of(connection, [row for row in near if row in fitting][:depth], place.where.leaves)
    return [Found(row, place.scope, near[row.id], ()) for row in rows]


def _fitting(connection: sqlite3.Connection, place: Place, rows: Sequence[int]) -> set[int]:
    condition, values = may_be_found(place.where)
    found = connection.execute(
        f"SELECT id FROM memories WHERE id IN (SELECT value FROM json_each(?)) AND {condition}",
        (json.dumps(rows), *values),
    )
    return {row for (row,) in found}


def _hit(found: Found, by_words: Mapping[int, _Ranked], by_meaning: Mapping[int, _Ranked], explain: bool) -> MemoryHit:
    hit = hit_of(found, explain)
    if not explain:
        return hit
    row = found.row.id
    rankings = {"words": by_words.get(row), "vectors": by_meaning.get(row)}
    more: dict[str, Any] = {"ranks": {name: each.rank for name, each in rankings.items() if each}}
    if row in by_meaning:
        more["similarity"] = round(by_meaning[row].found.score, 4)
    return hit.model_copy(update={"explain": {**(hit.explain or {}), **more}})
