"""Recall by words and by meaning together."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agentrouted.core.memory.ranking import Where
from agentrouted.core.memory.recall import Found, find, hit_of, places, rows_of, sort
from agentrouted.core.memory.scopes import Range, scope_of_row
from agentrouted_protocol.memory import MemoryHit, MemoryRecallParams
from agentrouted_protocol.scope import Scope

# Reciprocal rank fusion, with the constant of Cormack, Clarke and Büttcher (SIGIR 2009).
_K: Final = 60

# Places of each ranking that count.
_DEPTH: Final = 50

# Nearest rows that are looked at: some may be out of force, and where there is a filter it is tried on them.
_LOOKED_AT: Final = 500
_FILTERED: Final = 5000


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

    @property
    def looks_at(self) -> int:
        return _FILTERED if self.where.condition else _LOOKED_AT


Near = Sequence[tuple[int, float]]
"""Rows and their similarity, the most similar first."""


def places_of(connection: sqlite3.Connection, params: MemoryRecallParams) -> list[Place]:
    return [Place(scope, where) for scope, where in places(connection, params)]


def fused(
    connection: sqlite3.Connection, params: MemoryRecallParams, near: Sequence[tuple[Place, Near]]
) -> list[MemoryHit]:
    """What stands high in both rankings stands highest."""
    depth = max(_DEPTH, params.limit)
    deep = params.model_copy(update={"limit": depth})
    by_words = _ranked(depth, (each for place, _ in near for each in find(connection, deep, place.scope, place.where)))
    by_meaning = _ranked(depth, (each for place, rows in near for each in _in_force(connection, place, rows, depth)))
    # Of a row that is in both, the words are known, too.
    found = {**by_meaning, **by_words}
    scores = {row: sum(1 / (_K + each[row].rank) for each in (by_words, by_meaning) if row in each) for row in found}
    best = sort(each.found._replace(score=scores[row]) for row, each in found.items())
    return [_hit(each, by_words, by_meaning, params.explain) for each in best[: params.limit]]


@dataclass(frozen=True, slots=True)
class _Ranked:
    rank: int
    """From 1."""

    found: Found


def _ranked(depth: int, found: Iterable[Found]) -> dict[int, _Ranked]:
    return {each.row.id: _Ranked(rank, each) for rank, each in enumerate(sort(found)[:depth], 1)}


def _in_force(connection: sqlite3.Connection, place: Place, near: Near, depth: int) -> Iterable[Found]:
    similarities = dict(near)
    rows = list(similarities)
    if place.where.condition:
        fitting = connection.execute(
            f"SELECT id FROM memories WHERE id IN (SELECT value FROM json_each(?)) AND {place.where.condition}",
            (json.dumps(rows), *place.where.values),
        )
        kept = {row for (row,) in fitting}
        rows = [row for row in rows if row in kept]
    in_force = 0
    # Those out of force may be any number of the nearest.
    for first in range(0, len(rows), 2 * depth):
        for row in rows_of(connection, rows[first : first + 2 * depth]):
            in_force += 1
            yield Found(row, place.scope, similarities[row.id], ())
        if in_force >= depth:
            break


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
