"""What tools and validators may see of their run."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a type only: nothing of it is called here
    from agentrouted.face.memory import AnyMemory


@dataclass
class Usage:
    """Tokens and US dollars, summed up. A price that is not known adds nothing; then `cost_source` is `unknown`."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_cost_usd: float = 0.0
    model_calls: int = 0
    cached_tokens: int = field(default=0, compare=False)
    reasoning_tokens: int = field(default=0, compare=False)
    tool_calls: int = field(default=0, compare=False)
    estimated: bool = field(default=False, compare=False)
    """True if tokens were counted from the text, because a provider did not tell."""

    cost_source: str = field(default="unknown", compare=False)

    def add(self, other: "Usage") -> None:
        """Adds the other one to this."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.total_cost_usd += other.total_cost_usd
        self.model_calls += other.model_calls
        self.cached_tokens += other.cached_tokens
        self.reasoning_tokens += other.reasoning_tokens
        self.tool_calls += other.tool_calls
        self.estimated = self.estimated or other.estimated


@dataclass
class Context:
    """Given to every function that has a parameter of this type. The model never sees it.

    One per run: what a tool changes in `deps`, the next one finds.
    """

    deps: Any = None
    """What was passed to `run`, `arun` or `stream`."""

    usage: Usage = field(default_factory=Usage)
    """Spent so far."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    """The conversation so far, instructions first, in the shape of OpenAI. Every tool call in it has its result."""

    retry: int = 0
    """How often the model was asked to mend something."""

    step: int = 0
    """The model's turn, from 1."""

    session_id: str | None = None
    memory: "AnyMemory | None" = None
    """The agent's: `await context.memory.remember(key, value)`."""
