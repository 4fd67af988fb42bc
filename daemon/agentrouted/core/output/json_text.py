"""The JSON in what a model has written."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from agentrouted.core.wire.loose_json import parse

_FENCE: Final = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)
_OPENING: Final = re.compile(r"[{\[]")

# A text may be full of brackets that begin nothing.
_MOST_TRIES: Final = 50
_DECODER: Final = json.JSONDecoder(strict=False)


def values_in(text: str) -> Iterator[Any]:
    """What may be meant, the likeliest first: all of the text, what is fenced, then objects and lists among words."""
    for candidate in (text, *_FENCE.findall(text)):
        try:
            yield parse(candidate)
        except ValueError:
            continue
    yield from _among_words(text)


def _among_words(text: str) -> Iterator[Any]:
    position = 0
    for _ in range(_MOST_TRIES):
        opening = _OPENING.search(text, position)
        if opening is None:
            return
        try:
            value, position = _DECODER.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            position = opening.end()
        else:
            yield value
