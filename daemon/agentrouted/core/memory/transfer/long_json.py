"""JSON of any length, read value by value."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, TextIO

LONGEST_VALUE: Final = 64 * 1024 * 1024
"""Characters, of which there may be several times as many bytes in memory."""

NO_JSON: Final = (ValueError, RecursionError)
"""What is raised for a text that is none, or that is nested as if it had no end."""

_AT_ONCE: Final = 64 * 1024

_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_decode: Final = json.JSONDecoder().raw_decode


class LongJson:
    """Raises `NO_JSON`, also where a value is too long."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._place = 0
        self._is_at_end = False

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            match = _BLANKS.match(self._text, self._place)
            self._place = match.end() if match else self._place
            if self._place < len(self._text) or self._is_at_end:
                return self._text[self._place : self._place + 1]
            self._read_on()

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = _decode(self._text, self._place)
            except ValueError:
                if self._is_at_end:
                    raise
            else:
                # A number may go on in what is not read yet.
                if end < len(self._text) or self._is_at_end:
                    self._place = end
                    return value
            self._read_on()

    def elements(self) -> Iterator[None]:
        """Of a list: at each, its value comes next."""
        return self._parts("[", "]")

    def members(self) -> Iterator[str]:
        """Of an object: the names, after each of which its value comes next."""
        for _ in self._parts("{", "}"):
            name = self.value()
            if not isinstance(name, str):
                raise ValueError("a name that is no string")
            self._expect(":")
            yield name

    def _parts(self, begin: str, end: str) -> Iterator[None]:
        self._expect(begin)
        if self.peek() != end:
            yield
            while self.peek() == ",":
                self._expect(",")
                yield
        self._expect(end)

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            raise ValueError(f"no `{character}` where there has to be one")
        self._place += 1

    def _read_on(self) -> None:
        rest = self._text[self._place :]
        if len(rest) > LONGEST_VALUE:
            raise ValueError("a value is too long")
        # Twice as much each time: a long value is tried from its beginning only a few times.
        more = self._file.read(max(_AT_ONCE, len(rest)))
        self._text, self._place, self._is_at_end = rest + more, 0, not more
