"""What only a Python program in the same process can give."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agentrouted.core.agent.state import RunState
from agentrouted.core.agent.tools.base import Tool
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import Chunk, ModelRequest
from agentrouted_protocol.messages import Message

Speak = Callable[[Endpoint, ModelRequest], AsyncGenerator[Sequence[Chunk], None]]


@dataclass(frozen=True, slots=True)
class Inside:
    """Functions and objects that cannot cross a wire. All of them are awaited on the core's event loop."""

    tools: tuple[Tool, ...] = ()
    check_output: Callable[[Any, RunState], Awaitable[Any]] | None = None
    """Takes an answer that fits the schema, and returns what the result is to hold.

    Raises `DoesNotFit`, or `ToolRetry`.
    """

    compact: Callable[[Sequence[Message]], Awaitable[Sequence[Message]]] | None = None
    """In place of a history strategy: a shorter conversation, or the same."""

    speak: Speak | None = None
    """In place of HTTP: the model itself."""

    watch: Callable[[RunState], None] | None = None
    """Told before tools or validators are called, and before each turn."""


NOBODYS: Final = Inside()
"""For runs that were asked for over a wire."""
