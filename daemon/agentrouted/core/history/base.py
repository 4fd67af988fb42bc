"""What every way of shortening a conversation does."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from agentrouted_protocol.messages import Message

Ask = Callable[[str, Sequence[Message]], Awaitable[str]]
"""Asks a model, by its model string, and returns its text. Whoever gives it counts the cost."""


class Strategy(Protocol):
    """A family member: returns a shorter conversation, or the same.

    Leading `system` messages stay; a call and its results are never parted; what is given is never changed.
    """

    name: str

    def stay(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Those that would be left as they are."""
        ...

    async def compact(self, messages: Sequence[Message], ask: Ask) -> Sequence[Message]: ...
