"""Text as words: those of the index, and those of a question."""

import re
import unicodedata
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from agentrouted.core.memory.stop_words import STOP_WORDS

_MOST_WORDS: Final = 48
_LONGEST_WORD: Final = 100

# Characters in which there are more words than are looked for.
_OF_A_QUESTION: Final = 10_000

_WORD: Final = re.compile(r"[^\W_]+")

# Signs that tell facts apart: C# is no C++, -5 is not 5, and vowels of many scripts are marks. Others are punctuation.
_TELLING: Final = frozenset({"Mn", "Mc", "Me", "Sm", "Sc", "So"})
_TELLING_TOO: Final = "#%&@"
_MINUS_OR_NOT: Final = re.compile(r"-(?<!\w-)(?=\d)|!(?==)")
_SIGN: Final = re.compile(r"[^\w\s]")

# Words within an identifier, and letters that have other forms: wide ones, narrow ones, several in one. For a hump, its
# capital is looked for first: there are few, and a text is gone through four times as fast.
_HUMPS: Final = re.compile(r"[A-Z](?<=[a-z][A-Z])")
_CAMEL: Final = re.compile(r"\b[^\W_]*[a-z][A-Z][^\W_]*")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FORMS: Final = re.compile(r"[\ufb00-\ufb06\uff01-\uffdc]+")

# What the index takes off letters: after `NFC`, marks that have no letter of their own with them.
_MARKS: Final = re.compile(r"[\u0300-\u036f]+")
_ACCENTS: Final = {
    code: unicodedata.normalize("NFD", chr(code))[0]
    for code in (*range(0xC0, 0x250), *range(0x386, 0x3CF), *range(0x1E00, 0x1F00))
}

# Words with accents that the index leaves: Greek and Vietnamese ones.
_ACCENTED: Final = re.compile(r"\b\w*[\u0386-\u038f\u03aa-\u03ce\u1ea0-\u1ef9\u01a0\u01a1\u01af\u01b0]\w*")

# Scripts that put no blanks between words: Thai, Han, kana, Hangul.
_UNSPACED: Final = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")

# The same word, written in two ways: letters that the one has, where they tell it apart, and those of the other. Few
# words have any, and to look for letters costs far less than to match a pattern.
_SPELLINGS: Final = tuple(
    (letters, re.compile(pattern), other)
    for letters, pattern, other in (
        ("our", r"our(?=$|s|e|i|l|a)", "or"),
        ("or", r"(?<=\w{3})or(?=$|s|e|i|l|a)", "our"),
        ("is", r"(?<=\w{2})is(?=e|ing|ation)", "iz"),
        ("iz", r"(?<=\w{2})iz(?=e|ing|ation)", "is"),
        ("tre", r"(?<=\w{3})tre(?=$|s)", "ter"),
        ("ter", r"(?<=\w{3})ter(?=$|s)", "tre"),
        ("grey", r"grey", "gray"),
        ("gray", r"gray", "grey"),
    )
)


def clean(text: str) -> str:
    """What can be kept as UTF-8: half a surrogate pair cannot."""
    return text.encode("utf-8", "replace").decode()


def indexed(text: str) -> str:
    """The text as it goes into the index: scripts without blanks as overlapping pairs, identifiers with their words."""
    text = _spread(text)
    if text.isascii():
        return text
    return _UNSPACED.sub(lambda run: f" {' '.join([*_pairs(run.group()), run.group()[-1]])} ", text)


def terms_of(query: str) -> list[str]:
    """What to look for, each an expression of FTS5 that matches one word in all its spellings.

    Words that stand everywhere are left out, unless there are no others. Nothing in the query is an operator. Of a long
    one the first and the last words are taken: what is asked stands before or behind what it is about.
    """
    if len(query) > 2 * _OF_A_QUESTION:
        query = f"{query[:_OF_A_QUESTION]}\n{query[-_OF_A_QUESTION:]}"
    words = list(_words(query))
    telling = [word for word in words if word not in STOP_WORDS] or words
    different = list(dict.fromkeys(telling))
    if len(different) > _MOST_WORDS:
        last = list(dict.fromkeys(reversed(telling)))[: _MOST_WORDS // 2]
        different = [*different[: _MOST_WORDS // 2], *reversed(last)]
    return [_expression(word) for word in dict.fromkeys(different)]


def fingerprint(text: str) -> bytes:
    """The same for texts that differ in case, blanks and punctuation only."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if "-" in plain or "!" in plain:
        plain = _MINUS_OR_NOT.sub("\N{MINUS SIGN}", plain)
    words = (plain.translate(_SIGNS) if plain.isascii() else _SIGN.sub(_kept, plain)).split()
    return blake2b(" ".join(words or plain.split()).encode(), digest_size=16).digest()


def unaccented(text: str) -> str:
    """In lower case, each letter in its place."""
    lowered = text.lower()
    return lowered if lowered.isascii() else lowered.translate(_ACCENTS)


def _kept(sign: re.Match[str]) -> str:
    return sign.group() if sign.group() in _TELLING_TOO or unicodedata.category(sign.group()) in _TELLING else " "


# ASCII with a blank in the place of punctuation.
_SIGNS: Final = _SIGN.sub(_kept, "".join(map(chr, range(128))))


def _spread(text: str) -> str:
    if not text.isascii():
        text = _FORMS.sub(lambda forms: unicodedata.normalize("NFKC", forms.group()), text)
        text = _ACCENTED.sub(lambda word: f"{word.group()} {unaccented(word.group())}", text)
    if _HUMPS.search(text) is None:
        return text
    return _CAMEL.sub(lambda word: f"{word.group()} {_HUMP.sub(' ', word.group())}", text)


def _words(query: str) -> Iterator[str]:
    text = _spread(query).lower()
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFC", text))
    for match in _WORD.finditer(text):
        word = match.group()
        if _UNSPACED.search(word):
            for part in re.split(rf"({_UNSPACED.pattern})", word):
                yield from (_pairs(part) or [part]) if _UNSPACED.fullmatch(part) else [part] * bool(part)
        else:
            yield word[:_LONGEST_WORD]


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]


def _expression(word: str) -> str:
    if _UNSPACED.fullmatch(word):
        return f'"{word}"*' if len(word) == 1 else f'"{word}"'
    if len(word) == _LONGEST_WORD:
        return f'"{word}"*'
    others = (pattern.sub(other, word) for letters, pattern, other in _SPELLINGS if letters in word)
    return " OR ".join(f'"{each}"' for each in dict.fromkeys([word, *others]))
