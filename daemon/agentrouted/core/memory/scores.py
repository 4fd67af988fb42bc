"""What the words of a question make of the rows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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

    def parts(self) -> Iterator[tuple[set[int], float]]:
        """The rows that have it, by what it adds to their score."""
        if not (self.around or self.somewhere):
            yield self.texts, self.weight * _TEXT
            return
        both = self.texts & self.around
        yield both, self.weight * _BOTH
        yield self.texts - both, self.weight * _TEXT
        yield (self.around | self.somewhere) - self.texts, self.weight * _NEARBY

    def part_of(self, row: int) -> float:
        """What it adds to the score of a row."""
        return next((score for rows, score in self.parts() if row in rows), 0.0)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The words of a question with the rows that have them. Rows are scored when they may be among the best."""

    terms: Sequence[Term]
    several: set[int]
    """Rows that have more than one of the words."""

    def best(self, count: int) -> dict[int, float]:
        """Scores by id, the best first; of equals, the newest."""
        scores = _sums(self.terms, self.several)
        least = sorted(scores.values())[-count] if len(scores) >= count else 0.0
        for term in self.terms:
            for rows, score in term.parts():
                if score >= least:
                    # Equals, so only the newest of them can be among the best.
                    scores.update(dict.fromkeys(sorted(rows - self.several)[-count:], score))
        ordered = sorted(zip(scores.values(), scores, strict=True), reverse=True)
        return {row: score for score, row in ordered[:count]}


def rows_with_several(terms: Iterable[Term]) -> set[int]:
    seen: set[int] = set()
    several: set[int] = set()
    for term in terms:
        rows = term.rows
        several |= seen & rows
        seen |= rows
    return several


def _sums(terms: Iterable[Term], wanted: set[int]) -> dict[int, float]:
    scores: dict[int, float] = defaultdict(float)
    for term in terms:
        for rows, score in term.parts():
            for row in rows & wanted:
                scores[row] += score
    return scores
