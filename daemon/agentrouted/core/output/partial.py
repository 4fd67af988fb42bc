"""As much of a structured answer as has been written."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import from_json

from agentrouted.core.output.wanted import OUTPUT_TOOL, RESULT, Wanted
from agentrouted.core.wire.base import CallArguments, CallStart, Chunk, TextChunk

# Of a long text, parse again only when this part of it is new: or each piece would cost as much as all before it.
_WORTHWHILE: Final = 1 / 64


def partial(text: str, openings: str = "{[") -> Any | None:
    """The object or list in `text`, as far as it has come; None if it has not begun. Words before it are skipped."""
    start = min((place for mark in openings if (place := text.find(mark)) >= 0), default=-1)
    if start < 0:
        return None
    try:
        return from_json(text[start:], allow_partial="trailing-strings")
    except ValueError:
        return None


class PartialOutput:
    """Takes the chunks of one reply and gives the answer as it grows, from its text or the output tool's call."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._call_id: str | None = None
        self._pieces: list[str] = []
        self._length = 0
        self._seen_length = 0
        self._seen: Any = None

    def take(self, chunks: Sequence[Chunk]) -> Any | None:
        """What can be seen now; None if it is nothing more than before."""
        for chunk in chunks:
            self._add(chunk)
        if self._length - self._seen_length <= self._seen_length * _WORTHWHILE:
            return None
        self._pieces = ["".join(self._pieces)]
        self._seen_length = self._length
        value = self._unwrapped(partial(self._pieces[0], "{" if self._wanted.is_object else "{["))
        if value is None or value == self._seen:
            return None
        self._seen = value
        return value

    def _add(self, chunk: Chunk) -> None:
        match chunk:
            case CallStart(call_id, name) if name == OUTPUT_TOOL and self._call_id is None:
                # Whatever was said before it was not the answer.
                self._call_id, self._pieces, self._length, self._seen_length = call_id, [], 0, 0
            case TextChunk(text) if self._call_id is None:
                self._append(text)
            case CallArguments(call_id, text) if call_id == self._call_id:
                self._append(text)

    def _append(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)

    def _unwrapped(self, value: Any) -> Any:
        is_wrapped = not self._wanted.is_object and isinstance(value, dict) and value.keys() <= {RESULT}
        return value.get(RESULT) if is_wrapped else value
