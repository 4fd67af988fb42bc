"""Older turns are replaced by a summary."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from agentrouted.core.history.base import Ask
from agentrouted.core.history.excerpt import excerpt
from agentrouted.core.history.summaries import Summaries
from agentrouted.core.history.turns import Turn, join, split
from agentrouted.core.tokens import text_of
from agentrouted_protocol.messages import Message

PROMPT: Final = (
    "Sum up this conversation in three to five short points. Keep names, numbers, decisions and what is still open. "
    "Add nothing that is not in it. If it begins with a summary, your summary replaces that one: keep what it says."
)
HEADING: Final = "Conversation summary so far:\n"
UNAVAILABLE: Final = "[summary unavailable] Older messages are left out."

# Characters that the model is sent at once, and of one message: about 6,000 tokens fit small local models too.
_PIECE: Final = 24_000
_LONGEST_LINE: Final = 4_000


@dataclass(frozen=True)
class Summarize:
    """A summary is written once, and added to as further turns grow old.

    An error of `ask` is raised as it is: nothing is lost. If the model has nothing to say, the summary says that
    older messages are left out, and the next call asks again.
    """

    model: str
    keep_recent: int = 4
    """Turns that stay as they are. A newest one that waits for its reply stays in any case."""

    prompt: str = PROMPT
    summaries: Summaries = field(default_factory=Summaries)

    name = "summarize"

    def stay(self, messages: Sequence[Message]) -> Sequence[Message]:
        opening, turns = split(messages)
        return join(opening, turns[self._old(messages, turns) :])

    async def compact(self, messages: Sequence[Message], ask: Ask) -> Sequence[Message]:
        opening, turns = split(messages)
        old = self._old(messages, turns)
        if not old:
            return messages
        summary = _as_message(await self._summary(turns[:old], ask))
        return join([*opening, summary], turns[old:])

    def _old(self, messages: Sequence[Message], turns: Sequence[Turn]) -> int:
        """How many turns are summed up."""
        is_waiting = bool(messages) and messages[-1].role != "assistant"
        return max(0, len(turns) - max(self.keep_recent, int(is_waiting)))

    async def _summary(self, turns: Sequence[Turn], ask: Ask) -> str:
        digests = list(self._digests(turns))
        covered, summary = self.summaries.longest(digests)
        for piece in _pieces(turns[covered:]):
            begin = [_line(_as_message(summary))] if summary else []
            transcript = Message(role="user", content="\n".join([*begin, *piece]))
            longer = (await ask(self.model, [Message(role="system", content=self.prompt), transcript])).strip()
            if not longer:
                return f"{summary}\n{UNAVAILABLE}".strip()
            summary = longer
        self.summaries.keep(digests[-1], summary)
        return summary

    def _digests(self, turns: Iterable[Turn]) -> Iterator[bytes]:
        """One a turn, of everything up to its end."""
        digest = sha256(repr((self.model, self.prompt)).encode())
        for turn in turns:
            for message in turn:
                digest.update(repr(message).encode())
            yield digest.digest()


def _as_message(summary: str) -> Message:
    return Message(role="system", content=HEADING + summary)


def _pieces(turns: Iterable[Turn]) -> Iterator[list[str]]:
    """The lines of the turns, as many at once as a model takes."""
    piece: list[str] = []
    length = 0
    for line in (_line(message) for turn in turns for message in turn):
        if piece and length + len(line) > _PIECE:
            yield piece
            piece, length = [], 0
        piece.append(line)
        length += len(line)
    if piece:
        yield piece


def _line(message: Message) -> str:
    names = ", ".join(call.name for call in message.tool_calls or ())
    said = [excerpt(text_of(message), _LONGEST_LINE), f"[tool_calls: {names}]" if names else ""]
    return f"{message.role.upper()}: {' '.join(filter(None, said))}"
