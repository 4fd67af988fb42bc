"""Which rows fit a question best, looking at few of them."""

import itertools
import math
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic_core import from_json

from agentrouted.core.memory.scopes import Range
from agentrouted.core.memory.scores import Ranking, Term

# Newest matches of a word that are looked at in any case, and matches of the rarest words together: see `rank`.
_NEWEST: Final = 100
_OF_THE_RAREST: Final = 3000

# Of messages so many times more, since a word stands around two others, too.
_OF_MESSAGES: Final = 1.7

# Turns that have the word of one: itself, and the two after it, around which it stands.
_A_TURN: Final = 3

# Matches of a word that are looked at where all are asked for, if they are more than was to be expected.
_MOST: Final = 6000

# Newest matches that a filter is tried on: of all words together, and of each at least.
_FILTERED: Final = 200_000
_FILTERED_AT_LEAST: Final = 20_000

# What looking for rows with two words may cost: each search about as much as reading so many matches, and those of the
# rarer word.
_TOGETHER: Final = 8000
_A_SEARCH: Final = 1000

# Texts that have a word, as a part of all, from where on it stands around nearly every turn, and tells nothing there.
_NEARLY_ALL: Final = 0.3

# Among so few rows, all that have a word are looked at in any case.
_FEW: Final = 1000

# Of the best so far, at least so many are looked through for the words whose matches were not all seen.
_LOOKED_THROUGH: Final = 60

# In one statement: SQLite takes 32,766 values.
_MOST_IDS: Final = 16_384

# Letters at the end of a word in which its forms differ.
_ENDING: Final = 3


@dataclass(frozen=True, slots=True)
class Where:
    """The rows that may be found: some ranges of ids, and a condition on them."""

    facts: Range | None
    messages: Range | None
    condition: str = ""
    values: Sequence[Any] = ()
    leaves: bool = False
    """Whether what is found may leave this machine: then nothing that was said within the boundary `local` is."""

    tried: int = _FILTERED
    """So many of the newest rows that have a word are tried for whether the condition holds."""

    @property
    def parts(self) -> Sequence[Range]:
        return [part for part in (self.facts, self.messages) if part]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def spread(self) -> float:
        """In how many times more rows a word is found than in whose text it stands."""
        return _OF_MESSAGES if self.messages else 1.0


def rank(connection: sqlite3.Connection, terms: Sequence[str], where: Where, count: int) -> Ranking:
    """`count` rows, if so many have any of the words. What a word adds is the less, the more rows have it. So the rows
    that have one of the rarest words are looked at, all of them as far as they are not too many; of every word the
    newest rows; and of the rarest pairs of words.
    """
    where = replace(where, tried=max(_FILTERED // max(len(terms), 1), _FILTERED_AT_LEAST))
    if where.messages:
        count *= _A_TURN
    newest = max(count, _NEWEST)
    found = [Term(each) for each in terms] if where.rows <= _FEW else _look_at_newest(connection, terms, where, newest)
    # Facts that have the only word are equals: the newest are as good as any.
    left = _OF_THE_RAREST * where.spread if where.messages or len(found) > 1 else 0
    for term in found:
        left -= term.documents
        if left < 0:
            break
        _look_at_all(connection, term, where)
    found = _rarest_first(found)
    telling = [term for term in found if term.complete or term.documents < where.rows / 2] or found
    for first, second in _pairs(telling, where.spread):
        _look_for_both(connection, first, second, where, newest)
    for term in found:
        term.weight = math.log(1 + max(where.rows - term.documents, 0.5) / (term.documents + 0.5))
    ranking = Ranking(found, where.messages.first if where.messages and where.facts else 0)
    unseen = [term for term in telling if not term.complete]
    if unseen and (len(telling) > 1 or where.messages):
        _look_through(connection, ranking, unseen, max(count, _LOOKED_THROUGH))
    return ranking


def by_ids(connection: sqlite3.Connection, select: str, ids: Sequence[int]) -> list[Any]:
    """The rows of `select` with these ids. A statement that is the same for many lengths is not parsed anew."""
    if len(ids) > _MOST_IDS:
        return [*by_ids(connection, select, ids[:_MOST_IDS]), *by_ids(connection, select, ids[_MOST_IDS:])]
    places = 1 << max(len(ids) - 1, 0).bit_length()
    condition = f"WHERE id IN ({', '.join('?' * places)})"
    return connection.execute(f"{select} {condition}", [*ids, *[None] * (places - len(ids))]).fetchall()


def _look_at_newest(connection: sqlite3.Connection, terms: Iterable[str], where: Where, count: int) -> list[Term]:
    found = [Term(expression) for expression in terms]
    for term, part in itertools.product(found, where.parts):
        rows = _matches(connection, term.expression, where, part, count)
        _known(term, part, where).update(rows)
        term.documents += len(rows)
        if len(rows) == count:
            # As frequent among the older ones as among the newest.
            older = (part.newest - part.first) / (part.newest - rows[-1] + 1)
            term.documents += min(count * older, part.rows) - count
            term.complete = False
    return _rarest_first(found)


def _rarest_first(terms: Iterable[Term]) -> list[Term]:
    return sorted((term for term in terms if term.documents), key=lambda term: term.documents)


def _look_at_all(connection: sqlite3.Connection, term: Term, where: Where) -> None:
    complete = True
    if where.messages:
        texts = _all_matches(connection, f"text : ({term.expression})", where, where.messages)
        term.texts.update(texts)
        complete = len(texts) < _MOST
        if len(texts) < max(_NEWEST, _NEARLY_ALL * where.messages.rows):
            around = _all_matches(connection, f"around : ({term.expression})", where, where.messages)
            term.around.update(around)
            complete = complete and len(around) < _MOST
    if where.facts and not (term.documents and term.complete):
        facts = _all_matches(connection, term.expression, where, where.facts)
        term.texts.update(facts)
        complete = complete and len(facts) < _MOST
    term.complete = complete
    if complete:
        term.documents = len(term.rows)


def _known(term: Term, part: Range, where: Where) -> set[int]:
    # What stands around a fact is its key and its tags: they are as good as its text.
    return term.texts if part is where.facts else term.somewhere


def _pairs(terms: Sequence[Term], spread: float) -> Iterator[tuple[Term, Term]]:
    """The rarest first, the rarer word first. Words of which all rows were seen are as one, and never the second."""
    seen = [term for term in terms if term.complete]
    together = Term(" OR ".join(term.expression for term in seen), documents=sum(term.documents for term in seen))
    terms = [*([together] if seen else []), *(term for term in terms if not term.complete)]
    left = _TOGETHER * spread
    for one, other in sorted(itertools.combinations(range(len(terms)), 2), key=lambda pair: (sum(pair), pair)):
        left -= _A_SEARCH + terms[one].documents
        if left < 0:
            return
        if not (terms[one].complete and terms[one].documents <= _LOOKED_THROUGH / 2):
            yield terms[one], terms[other]


def _look_for_both(connection: sqlite3.Connection, first: Term, second: Term, where: Where, count: int) -> None:
    both = f"({first.expression}) AND ({second.expression})"
    for part in where.parts:
        if first.complete:
            found = _all_matches(connection, both, where, part)
        else:
            found = _matches(connection, both, where, part, count)
        for term in (first, second):
            _known(term, part, where).update(found)


def _all_matches(connection: sqlite3.Connection, expression: str, where: Where, part: Range) -> list[int]:
    # With a filter, not all are looked at, so the newest are.
    return _matches(connection, expression, where, part, _MOST, "DESC" if where.condition else "ASC")


def _matches(
    connection: sqlite3.Connection, expression: str, where: Where, part: Range, limit: int, order: str = "DESC"
) -> list[int]:
    """The newest first. Where that does not matter, FTS5 is quicker the other way."""
    search = "SELECT rowid AS id FROM memory_index WHERE memory_index MATCH ? AND rowid BETWEEN ? AND ?"
    bounds = (expression, part.first, part.last)
    if not where.condition:
        search, values = f"{search} ORDER BY rowid {order} LIMIT ?", (*bounds, limit)
    else:
        # Row by row, until there are enough: to be sorted here, all would be looked at.
        search = (
            f"SELECT id FROM ({search} ORDER BY rowid {order} LIMIT {where.tried}) CROSS JOIN memories USING (id)"
            f" WHERE {where.condition} LIMIT ?"
        )
        values = (*bounds, *where.values, limit)
    # As one row: a thousand of them would take half as long again.
    [found] = connection.execute(f"SELECT json_group_array(id) FROM ({search})", values).fetchone()
    ids: list[int] = from_json(found)
    return ids


def _look_through(connection: sqlite3.Connection, ranking: Ranking, unseen: Sequence[Term], count: int) -> None:
    """Older rows that are good already may have the frequent words, too: their text tells."""
    best = ranking.best(count)
    words = [(term, _stems(term.expression)) for term in unseen]
    open_rows = [row for row in best if not all(_is_known(term, row) for term in unseen)]
    for row, text, around in by_ids(connection, "SELECT id, text, around FROM memory_texts", open_rows):
        lowered = text.lower(), around.lower()
        best[row] += sum(_look_at(term, stems, row, *lowered) for term, stems in words if not _is_known(term, row))
    ranking.replace(best)


def _look_at(term: Term, stems: Sequence[str], row: int, text: str, around: str) -> float:
    """How much better the row is than it was known to be."""
    before = term.part_of(row)
    if _has_one(text, stems):
        term.texts.add(row)
    if _has_one(around, stems):
        term.around.add(row)
    return term.part_of(row) - before


def _is_known(term: Term, row: int) -> bool:
    return row in term.texts or row in term.around


def _stems(expression: str) -> list[str]:
    words = re.findall(r'"([^"]+)"', expression)
    return [word if len(word) < 5 else word[: max(4, len(word) - _ENDING)] for word in words]


def _has_one(text: str, stems: Sequence[str]) -> bool:
    """Whether a word begins like that."""
    for stem in stems:
        # Without a pattern: to compile one would take longer than all that is searched with it.
        place = text.find(stem)
        while place > 0 and text[place - 1].isalnum():
            place = text.find(stem, place + 1)
        if place >= 0:
            return True
    return False
