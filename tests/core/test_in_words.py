"""Counts in words."""

import pytest

from agentrouted.core.in_words import in_words


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (0, "fact", "0 facts"),
        (1, "fact", "1 fact"),
        (2000, "fact", "2,000 facts"),
        (1, "entry", "1 entry"),
        (2, "entry", "2 entries"),
    ],
)
def test_only_one_is_told_as_one(count: int, noun: str, words: str) -> None:
    assert in_words(count, noun) == words
