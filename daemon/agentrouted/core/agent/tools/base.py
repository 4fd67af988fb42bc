"""A tool as the agent loop sees it, whoever runs it."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from agentrouted.core.schema.fit import Fit
from agentrouted.core.wire.base import ToolSpec
from agentrouted_protocol.client_requests import ToolCallResult
from agentrouted_protocol.runs import Effect


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool, with arguments that have been checked."""

    run_id: str
    call_id: str
    name: str
    arguments: dict[str, Any]


class ToolRetry(Exception):  # no error: the model is asked to do it otherwise
    """Raised by a tool or a validator: tell the model `Retry: <hint>`. Counted against the run's `retries`."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Tool:
    """One shape for tools of the client, of Python, of MCP servers and of our own.

    `check` returns the arguments to call it with, safely coerced (`"2"` becomes 2 where a number is wanted), or raises
    `DoesNotFit`. `call` returns what the model is told; it raises `ToolRetry`, or `ToolFailed` whose message goes to
    the model as `Error: <message>`; anything else is a fault of ours.
    """

    spec: ToolSpec
    check: Fit
    call: Callable[[ToolUse], Coroutine[Any, Any, ToolCallResult]]
    effect: Effect = "idempotent"
    timeout: float | None = None
    """Seconds; None is the default of all tools."""

    needs_approval: bool | Callable[[ToolUse], Awaitable[bool]] = False

    @property
    def name(self) -> str:
        return self.spec.name
