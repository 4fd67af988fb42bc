"""What a scripted model says, whatever the wire format."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning; with a `signature`, one that has to go back to the model."""

    text: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    id: str
    name: str
    arguments: Mapping[str, Any]

    @property
    def text(self) -> str:
        return json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The bill: `cached` of the input, and `reasoning` of the output."""

    input: int = 10
    output: int = 5
    cached: int = 0
    reasoning: int = 0


TOKENS = Tokens()

Said = str | Thought | Call | asyncio.Event
"""Strings in a row are the deltas of one text; an event makes the reply wait there."""


def in_blocks(said: Sequence[Said]) -> Iterator[Sequence[Said]]:
    """The deltas of a text together, all else by itself."""
    for is_text, group in itertools.groupby(said, lambda each: isinstance(each, str | asyncio.Event)):
        block = list(group)
        yield from [block] if is_text else ([each] for each in block)


def halves(text: str) -> tuple[str, str]:
    """Two deltas, as models rarely write all in one."""
    middle = (len(text) + 1) // 2
    return text[:middle], text[middle:]
