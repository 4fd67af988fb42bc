"""Whether a run goes round in circles."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from agentrouted_protocol.messages import Message

HINT_AFTER: Final = 3
"""So many times the same calls with the same results, and the model is told; once more, and the run stops."""

HINT: Final = (
    "You have made the same tool calls with the same results three times in a row. "
    "Do something else, or answer with what you have."
)


def repetitions(messages: Sequence[Message]) -> int:
    """How many of the last turns made the same calls with the same results."""
    turns = _turns(messages)
    last = next(turns, None)
    if last is None:
        return 0
    count = 1
    for turn in turns:
        if turn != last:
            break
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
