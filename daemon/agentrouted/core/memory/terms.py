"""Text as words: those of the index, and those of a question."""

import re
import unicodedata
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from agentrouted.core.memory.stop_words import STOP_WORDS

_MOST_WORDS: Final = 48
_LONGEST_WORD: Final = 100

_WORD: Final = re.compile(r"[^\W_]+")

# ASCII with a blank in the place of each sign.
_SIGNS: Final = "".join(sign if re.match(r"\w", sign) else " " for sign in map(chr, range(128)))

# Scripts that put no blanks between words: Thai, Han, kana, Hangul.
_UNSPACED: Final = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")

# The same word, written in two ways: an ending of the one, and of the other.
_SPELLINGS: Final = tuple(
    (re.compile(pattern), other)
    for pattern, other in (
        (r"our(?=$|s|e|i|l|a)", "or"),
        (r"(?<=\w{3})or(?=$|s|e|i|l|a)", "our"),
        (r"(?<=\w{2})is(?=e|ing|ation)", "iz"),
        (r"(?<=\w{2})iz(?=e|ing|ation)", "is"),
        (r"(?<=\w{3})tre(?=$|s)", "ter"),
        (r"(?<=\w{3})ter(?=$|s)", "tre"),
        (r"grey", "gray"),
        (r"gray", "grey"),
    )
)


def clean(text: str) -> str:
    """What can be kept as UTF-8: half a surrogate pair cannot."""
    return text.encode("utf-8", "replace").decode()


def indexed(text: str) -> str:
    """The text as it goes into the index: scripts without blanks as overlapping pairs."""
    if text.isascii():
        return text
    return _UNSPACED.sub(lambda run: f" {' '.join([*_pairs(run.group()), run.group()[-1]])} ", text)


def terms_of(query: str) -> list[str]:
    """What to look for, each an expression of FTS5 that matches one word in all its spellings.

    Words that stand everywhere are left out, unless there are no others. Nothing in the query is an operator.
    """
    words = list(dict.fromkeys(_words(query)))
    telling = [word for word in words if word not in STOP_WORDS] or words
    return [_expression(word) for word in telling[:_MOST_WORDS]]


def fingerprint(text: str) -> bytes:
    """The same for texts that differ in case, blanks and punctuation only."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = plain.translate(_SIGNS).split() if plain.isascii() else re.findall(r"\w+", plain)
    return blake2b(" ".join(words or plain.split()).encode(), digest_size=16).digest()


def _words(query: str) -> Iterator[str]:
    for match in _WORD.finditer(query.lower()):
        word = match.group()
        if _UNSPACED.search(word):
            for part in re.split(rf"({_UNSPACED.pattern})", word):
                yield from (_pairs(part) or [part]) if _UNSPACED.fullmatch(part) else [part] * bool(part)
        elif len(word) <= _LONGEST_WORD:
            yield word


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]


def _expression(word: str) -> str:
    if _UNSPACED.fullmatch(word):
        return f'"{word}"*' if len(word) == 1 else f'"{word}"'
    others = (pattern.sub(other, word) for pattern, other in _SPELLINGS)
    return " OR ".join(f'"{each}"' for each in dict.fromkeys([word, *others]))
