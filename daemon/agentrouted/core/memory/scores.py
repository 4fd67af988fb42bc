"""What the words of a question make of the rows."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Final

# What a word counts, by where it stands: BM25 of a word that comes once in the text, half around it, or both.
_TEXT: Final = 1.0
_NEARBY: Final = 0.65
_BOTH: Final = 1.22


@dataclass(slots=True)
class Term:
    """One word of the question, and where it was found."""

    expression: str
    texts: set[int] = field(default_factory=set)
    """Ids of rows whose text has it."""

    around: set[int] = field(default_factory=set)
    somewhere: set[int] = field(default_factory=set)
    """Of those that have it in one of the two, or in both."""

    documents: float = 0.0
    """How many rows have it: an estimate, where there are more than were looked at."""

    complete: bool = True
    """Whether all rows that have it were seen."""

    weight: float = 0.0

    @property
    def rows(self) -> set[int]:
        return self.texts | self.around | self.somewhere if self.around or self.somewhere else self.texts

    def parts(self) -> Iterator[tuple[float, set[int]]]:
        """What it adds to the score of which rows."""
        if not (self.around or self.somewhere):
            yield self.weight * _TEXT, self.texts
            return
        both = self.texts & self.around
        yield self.weight * _BOTH, both
        yield self.weight * _TEXT, self.texts - both
        yield self.weight * _NEARBY, (self.around | self.somewhere) - self.texts

    def part_of(self, row: int) -> float:
        """What it adds to the score of a row."""
        if row in self.texts:
            return self.weight * (_BOTH if row in self.around else _TEXT)
        return self.weight * _NEARBY if row in self.around or row in self.somewhere else 0.0


class Ranking:
    """Rows by what the words make of them. They are scored when they may be among the best."""

    def __init__(self, terms: Sequence[Term], border: int = 0) -> None:
        """Rows from `border` on came independently of those below, and are no newer for their ids. 0 if there are none
        below.
        """
        self.terms = terms
        self._border = border
        self._best: dict[int, float] = {}
        self._is_all = False

    @property
    def has_all(self) -> bool:
        """Whether all rows that have any of the words were seen, as far as is looked."""
        return all(term.complete for term in self.terms)

    def best(self, count: int) -> dict[int, float]:
        """Scores by id, the best first; of equals, those with the highest ids. More than `count` where the last of them
        are equals on both sides of the border: then the newest of either side are all there.
        """
        if len(self._best) < count and not self._is_all:
            self._best = _best(self.terms, count, self._border)
            self._is_all = len(self._best) < count
        return _first(self._best, count, self._border)

    def replace(self, scores: Mapping[int, float]) -> None:
        """Those of the best, which have become better."""
        self._best = _ordered(scores)


def _best(terms: Sequence[Term], count: int, border: int) -> dict[int, float]:
    parts = [part for term in terms for part in term.parts()]
    several = _with_several(term.rows for term in terms)
    scores = dict.fromkeys(several, 0.0)
    for score, rows in parts:
        for row in rows & several:
            scores[row] += score
    for score, rows in sorted(parts, key=itemgetter(0), reverse=True):
        if len([better for better in scores.values() if better > score]) >= count:
            break
        # What has no other word: all equals, so only the newest of them can be among the best.
        alone = sorted(rows - several)
        place = bisect_left(alone, border)
        scores.update(dict.fromkeys([*alone[:place][-count:], *alone[place:][-count:]], score))
    if len(scores) > count:
        least = sorted(scores.values())[-count]
        scores = {row: score for row, score in scores.items() if score >= least}
    return _first(_ordered(scores), count, border)


def _first(ordered: dict[int, float], count: int, border: int) -> dict[int, float]:
    if not border or len(ordered) <= count:
        return dict(islice(ordered.items(), count))
    last = next(islice(ordered.values(), count - 1, None))
    equals = [row for row, score in ordered.items() if score == last]
    above = len([row for row in equals if row >= border])
    newest = {*equals[:above][:count], *equals[above:][:count]}
    return {row: score for row, score in ordered.items() if score > last or row in newest}


def _ordered(scores: Mapping[int, float]) -> dict[int, float]:
    return {row: score for score, row in sorted(zip(scores.values(), scores, strict=True), reverse=True)}


def _with_several(rows_of_words: Iterable[set[int]]) -> set[int]:
    seen: set[int] = set()
    several: set[int] = set()
    for rows in rows_of_words:
        several |= seen & rows
        seen |= rows
    return several
