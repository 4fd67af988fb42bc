"""Long texts: head and tail of them, and pieces to read."""

from typing import Final

READ_RESULT: Final = "read_result"
"""The tool that the notes tell of: `read_result(call_id, offset, limit)`, answered by `read_piece`."""

LONGEST_PIECE: Final = 20_000


def excerpt(text: str, kept: int, call_id: str | None = None) -> str:
    """`kept` characters of the text's head and tail with a note between; the whole text where that is no longer.

    With the id of the call whose result it is, the note says how to read what is left out.
    """
    if kept >= most_kept(text, call_id):
        return text
    tail = kept // 2
    head = kept - tail
    return text[:head] + _note(len(text) - kept, head, call_id) + text[len(text) - tail :]


def most_kept(text: str, call_id: str | None = None) -> int:
    """With so many characters kept, an excerpt would be as long as the text; negative for short ones."""
    return len(text) - len(_note(len(text), len(text), call_id))


def read_piece(text: str, offset: int, limit: int) -> str:
    """At most `limit` characters of a text from `offset` on, and where they stand in it.

    A place that the text does not have is taken for the nearest it has.
    """
    start = min(max(offset, 0), len(text))
    end = min(start + min(max(limit, 1), LONGEST_PIECE), len(text))
    return f"{text[start:end]}\n[characters {start} to {end} of {len(text)}]"


def _note(left_out: int, offset: int, call_id: str | None) -> str:
    # Without quotes and line ends, which would grow inside the arguments of a call.
    reading = f": {READ_RESULT} gives them, call_id {call_id}, offset {offset}" if call_id else ""
    return f" [… {left_out} characters are left out{reading} …] "
