"""The last turns of the user, with their replies."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentrouted.core.history.base import Ask
from agentrouted.core.history.turns import join, split
from agentrouted_protocol.messages import Message


@dataclass(frozen=True)
class SlidingWindow:
    window_size: int = 20
    """Turns that stay."""

    name = "slidingWindow"

    def stay(self, messages: Sequence[Message]) -> Sequence[Message]:
        opening, turns = split(messages)
        return join(opening, turns[-self.window_size :])

    async def compact(self, messages: Sequence[Message], ask: Ask) -> Sequence[Message]:
        return self.stay(messages)
