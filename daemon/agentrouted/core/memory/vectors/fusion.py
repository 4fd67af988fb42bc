"""Recall by words and by meaning together."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agentrouted.core.memory.ranking import Where
from agentrouted.core.memory.recall import Found, find, hit_of, may_be_found, rows_of, sort
from agentrouted_protocol.memory import MemoryHit, MemoryRecallParams
from agentrouted_protocol.scope import Scope

if TYPE_CHECKING:  # takes numpy with it
    from agentrouted.core.memory.vectors.nearest import Compared

# Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009). Their constant is 60, for long rankings that are as
# good as each other. Here words find better than a small model: the first places count for more, theirs most.
_K: Final = 5
_MEANING: Final = 0.5

# Places of each ranking that count.
_DEPTH: Final = 50


class Near(NamedTuple):
    """Where it is looked, and how similar the rows there are to the question."""

    scope: Scope
    where: Where
    compared: "Compared"


def fused(connection: sqlite3.Connection, params: MemoryRecallParams, near: Sequence[Near]) -> list[MemoryHit]:
    """What stands high in both rankings stands highest."""
    depth = max(_DEPTH, params.limit)
    deep = params.model_copy(update={"limit": depth})
    by_words = _ranked(depth, (found for each in near for found in find(connection, deep, each.scope, each.where)))
    by_meaning = _ranked(depth, (found for each in near for found in _in_force(connection, each, depth)))
    # Of a row that is in both, the words are known, too.
    found = {**by_meaning, **by_words}
    best = sort(
        each.found._replace(score=_part(by_words.get(row)) + _MEANING * _part(by_meaning.get(row)))
        for row, each in found.items()
    )
    return [_hit(connection, each, by_words, by_meaning, params.explain) for each in best[: params.limit]]


@dataclass(frozen=True, slots=True)
class _Ranked:
    rank: int
    """From 1."""

    found: Found


def _part(ranked: _Ranked | None) -> float:
    return 1 / (_K + ranked.rank) if ranked else 0.0


def _ranked(depth: int, found: Iterable[Found]) -> dict[int, _Ranked]:
    return {each.row.id: _Ranked(rank, each) for rank, each in enumerate(sort(found)[:depth], 1)}


def _in_force(connection: sqlite3.Connection, near: Near, depth: int) -> list[Found]:
    """Those that fit, too. Where most of the nearest do not, more are looked at, and then all."""
    similarity: dict[int, float] = {}
    fitting: set[int] = set()
    for count in (10 * depth, 100 * depth, len(near.compared)):
        if len(fitting) < depth and len(similarity) < len(near.compared):
            similarity = dict(near.compared.nearest(count))
            fitting = _fitting(connection, near.where, list(similarity))
    rows = rows_of(connection, [row for row in similarity if row in fitting][:depth], near.where.leaves)
    return [Found(row, near.scope, similarity[row.id], ()) for row in rows]


def _fitting(connection: sqlite3.Connection, where: Where, rows: Sequence[int]) -> set[int]:
    condition, values = may_be_found(where)
    found = connection.execute(
        f"SELECT id FROM memories WHERE id IN (SELECT value FROM json_each(?)) AND {condition}",
        (json.dumps(rows), *values),
    )
    return {row for (row,) in found}


def _hit(
    connection: sqlite3.Connection,
    found: Found,
    by_words: Mapping[int, _Ranked],
    by_meaning: Mapping[int, _Ranked],
    explain: bool,
) -> MemoryHit:
    hit = hit_of(connection, found, explain)
    if not explain:
        return hit
    row = found.row.id
    rankings = {"words": by_words.get(row), "vectors": by_meaning.get(row)}
    more: dict[str, Any] = {"ranks": {name: each.rank for name, each in rankings.items() if each}}
    if row in by_meaning:
        more["similarity"] = round(by_meaning[row].found.score, 4)
    return hit.model_copy(update={"explain": {**(hit.explain or {}), **more}})
