"""What a run raises.

ErrorAgent           whatever made a run fail: see its `kind`
├── ErrorMaxTurns    the model wanted more turns than it had
└── ErrorBudget      the run would have cost too much
Retry                not an error: raised by tools and validators
"""

from typing import Any

from agentrouted.face.context import Usage


class ErrorAgent(Exception):
    """A run that failed, with what it had done and spent until then."""

    kind: str = "internalError"
    """The stable name, as in docs/protocol.md: `providerAuth`, `rateLimited`, `outputInvalid`, …"""

    hint: str | None = None
    """What to do next."""

    retryable: bool = False
    """True if the same run may succeed later."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.run_id: str | None = None
        self.usage = Usage()
        self.messages: list[dict[str, Any]] = []
        """What the run had added to the conversation, in the shape of OpenAI."""


class ErrorMaxTurns(ErrorAgent):
    """The model was called exactly `limit` times and wanted another turn."""

    kind = "maxTurns"

    def __init__(self, *, turn: int, limit: int) -> None:
        super().__init__(f"Agent exceeded max_turns: reached turn {turn} (limit={limit}).")
        self.turn = turn
        self.limit = limit


class ErrorBudget(ErrorAgent):
    """`spent` and `limit` are US dollars."""

    kind = "budgetExceeded"

    def __init__(self, *, spent: float, limit: float) -> None:
        super().__init__(f"Agent exceeded max_cost: spent=${spent:.4f} (limit=${limit:.4f}).")
        self.spent = spent
        self.limit = limit


class Retry(Exception):  # no error: the model is asked to do it otherwise
    """Raise it in a tool or an output validator: the model is told `Retry: <message>` and asked again.

    It counts against the agent's `retries`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
