"""Whether a JSON object that comes in pieces is whole."""

import re
from typing import Final

_MARKS: Final = re.compile(r'\\.?|["{}]', re.DOTALL)


class ObjectWatch:
    """Takes the text piece by piece and looks at each character once, which parsing it anew each time would not."""

    def __init__(self) -> None:
        self.is_whole = False
        self._depth = 0
        self._in_string = False
        self._held = ""

    def feed(self, piece: str) -> None:
        mark = ""
        for mark in _MARKS.findall(self._held + piece):
            if mark == '"':
                self._in_string = not self._in_string
            elif not self._in_string and mark in "{}":
                self._depth += 1 if mark == "{" else -1
                self.is_whole = self._depth == 0
        # A backslash at the very end belongs to the character that comes next.
        self._held = mark if mark == "\\" else ""
