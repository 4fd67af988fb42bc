"""What the wording of a text tells, beside its words."""

import math
import re
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import Final

# What a score grows by for two words that follow each other in the question as in the text; what is left of it where
# the text is a question itself, since the answer is told elsewhere; and how fast it falls where a text is longer than
# so many characters, since a long one has many words by chance. See docs/decisions/0013.
_IN_ORDER: Final = 0.1
_ASKS: Final = 0.85
_LENGTH: Final = 0.3
_SHORT: Final = 200

_WORD: Final = re.compile(r"[^\W_]+")
_QUESTION_MARKS: Final = ("?", "？", "؟")
_MOST_WORDS: Final = 48
_LOOKED_AT: Final = 4000
"""Characters of a text."""

# Letters at the end of the second word in which its forms differ, and how many stay at least.
_ENDING: Final = 3
_BEGINNING: Final = 4


def pairs_of(question: str) -> Sequence[str]:
    """Its words that follow each other, as they would stand in a text."""
    words = [match.group() for match in islice(_WORD.finditer(question.lower()), _MOST_WORDS)]
    return [f" {first} {second[: max(_BEGINNING, len(second) - _ENDING)]}" for first, second in pairwise(words)]


def telling(text: str, pairs: Sequence[str]) -> float:
    """What to multiply the score of a text by."""
    plain = f" {text[:_LOOKED_AT].lower()}"
    in_order = 1 + _IN_ORDER * len([pair for pair in pairs if pair in plain])
    asks = _ASKS if text.rstrip().endswith(_QUESTION_MARKS) else 1.0
    length = 1 + _LENGTH * math.log(len(text) / _SHORT) if len(text) > _SHORT else 1.0
    return in_order * asks / length
