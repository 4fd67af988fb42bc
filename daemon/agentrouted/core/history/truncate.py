"""As many of the last whole turns as fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentrouted.core.history.base import Ask
from agentrouted.core.history.turns import join, newest_turns, split, tokens
from agentrouted_protocol.messages import Message


@dataclass(frozen=True)
class Truncate:
    """The newest turn stays, however long it is."""

    max_tokens: int = 100_000

    name = "truncate"

    def stay(self, messages: Sequence[Message]) -> Sequence[Message]:
        opening, turns = split(messages)
        return join(opening, newest_turns(turns, self.max_tokens - tokens(opening)))

    async def compact(self, messages: Sequence[Message], ask: Ask) -> Sequence[Message]:
        return self.stay(messages)
