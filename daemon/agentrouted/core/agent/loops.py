"""Whether a run goes round in circles."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from agentrouted_protocol.messages import Message

HINT_AFTER: Final = 3
"""So many times the same calls with the same results, and the model is told; once more, and the run stops."""

_LONGEST_ROUND: Final = 3

HINT: Final = (
    "You have made the same tool calls with the same results three times in a row. "
    "Do something else, or answer with what you have."
)


def repetitions(messages: Sequence[Message]) -> int:
    """How many times in a row the last turns made the same calls with the same results: one turn, or two or three
    that take turns."""
    turns = list(islice(_turns(messages), _LONGEST_ROUND * (HINT_AFTER + 1)))
    return max(_rounds(turns, length) for length in range(1, _LONGEST_ROUND + 1))


def was_told(messages: Sequence[Message]) -> bool:
    """Whether the model was told a moment ago: a longer round looks the same until it is complete again."""
    replies = 0
    for message in reversed(messages):
        replies += message.role == "assistant"
        if message.content == HINT or replies == _LONGEST_ROUND:
            return message.content == HINT
    return False


def _rounds(turns: list[Any], length: int) -> int:
    """How often the first `length` of them follow each other."""
    first, count = turns[:length], 0
    while len(first) == length and turns[count * length : (count + 1) * length] == first:
        count += 1
    return count


def _turns(messages: Sequence[Message]) -> Iterator[Any]:
    """Each turn's calls and results, the last one first; stops at what is no turn with calls."""
    results: dict[str | None, Any] = {}
    for message in reversed(messages):
        if message.role == "tool":
            results[message.tool_call_id] = message.content
        elif message.role == "assistant" and message.tool_calls:
            yield [(call.name, call.arguments, results.get(call.id)) for call in message.tool_calls]
            results = {}
        elif message.content != HINT:
            return
