"""A conversation as turns of its user."""

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from agentrouted.core.tokens import tokens_of
from agentrouted_protocol.messages import Message

Turn = Sequence[Message]
"""From a message of the user, with what `system` says right before it, to the next one: in a repaired conversation, no
call is parted from its result.
"""


def split(messages: Sequence[Message]) -> tuple[Sequence[Message], list[Turn]]:
    """The leading `system` messages, and the turns. What comes before the first user message is a turn too.

    A `system` message right before a user's belongs to that turn: it says what is known about the question.
    """
    opening = list(takewhile(lambda message: message.role == "system", messages))
    turns: list[list[Message]] = []
    for message in messages[len(opening) :]:
        if message.role == "user" or not turns:
            turns.append(_notes_at_the_end(turns))
        turns[-1].append(message)
    return opening, list(turns)


def _notes_at_the_end(turns: Sequence[list[Message]]) -> list[Message]:
    """The `system` messages there, taken away."""
    notes: list[Message] = []
    while turns and turns[-1][-1].role == "system":
        notes.insert(0, turns[-1].pop())
    return notes


def join(opening: Sequence[Message], turns: Iterable[Turn]) -> list[Message]:
    return [*opening, *(message for turn in turns for message in turn)]


def newest_turns(turns: Sequence[Turn], room: int, size: Callable[[Message], int] = tokens_of) -> Sequence[Turn]:
    """As many of the last turns as `room` tokens hold; the newest in any case."""
    first = len(turns)
    while first and room > 0:
        room -= sum(map(size, turns[first - 1]))
        if room < 0:
            break
        first -= 1
    return turns[min(first, len(turns) - 1) :] if turns else turns


def tokens(messages: Iterable[Message]) -> int:
    return sum(map(tokens_of, messages))
