"""What a file says, with the position of every value."""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentrouted.core.secrets import name_without_keys
from agentrouted_protocol.config import Position, Problem, Range

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where one value stands: its key, and what to point at when the value is wrong."""

    value: Range
    key: Range | None = None


@dataclass(frozen=True)
class Document:
    """What a file says; `data` is dicts, lists and scalars, as far as it could be read."""

    data: Any
    places: Mapping[KeyPath, Place]
    problems: tuple[Problem, ...]

    def place_of(self, path: KeyPath) -> Place | None:
        """Of the value at `path`, or of the nearest one around it."""
        for length in range(len(path), -1, -1):
            if place := self.places.get(path[:length]):
                return place
        return None


class Lines:
    """Offsets into a text as positions: LSP's lines, UTF-16 columns."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in re.finditer(r"\r\n|\n|\r", text))]

    def position(self, offset: int) -> Position:
        line = bisect_right(self._starts, offset) - 1
        before = self._text[self._starts[line] : offset]
        return Position(line=line, character=len(before.encode("utf-16-le", "surrogatepass")) // 2)

    def range(self, start: int, end: int) -> Range:
        """From `start` to `end`, less the white space at the end."""
        end = start + len(self._text[start:end].rstrip())
        return Range(start=self.position(start), end=self.position(end))


def dotted(path: KeyPath) -> str:
    """As people are shown it. A key that stands where a name should is not."""
    return ".".join(name_without_keys(str(part)) for part in path)


def plain_scalar(text: str) -> Any:
    """The value of an unquoted scalar in the core schema of YAML 1.2.2 (10.3.2): `no`, `on` and dates are text."""
    for pattern, value in _CORE_SCHEMA:
        if pattern.fullmatch(text):
            return value(text)
    return text


def _integer(text: str) -> int | str:
    # Past 4,300 digits Python refuses; no key of ours means such a number.
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text) if len(text) < 100 else text


_CORE_SCHEMA: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"null|Null|NULL|~|"), lambda text: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"), _integer),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda text: float(text.replace(".", ""))),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda text: float("nan")),
)
