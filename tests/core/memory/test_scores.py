from random import Random

import pytest

from agentrouted.core.memory.scores import Ranking, Term


def _words(random: Random, rows: int) -> list[Term]:
    def some(most: int) -> set[int]:
        return set(random.sample(range(rows), random.randrange(most)))

    return [
        Term(
            f'"{place}"',
            some(rows),
            some(rows // 2),
            some(rows // 3),
            weight=random.choice([1.0, 2.0, random.random()]),
        )
        for place in range(random.randrange(1, 6))
    ]


@pytest.mark.parametrize("seed", range(50))
def test_the_best_are_the_same_as_if_all_rows_were_scored(seed: int) -> None:
    random = Random(seed)
    words = _words(random, rows=random.choice([5, 40, 400]))
    all_rows = set().union(*(word.rows for word in words))
    scored = sorted(((sum(word.part_of(row) for word in words), row) for row in all_rows), reverse=True)
    ranking = Ranking(words)
    for count in (15, 1, 60):
        best = ranking.best(count)
        assert list(best) == [row for _, row in scored[:count]]
        assert list(best.values()) == [score for score, _ in scored[:count]]
