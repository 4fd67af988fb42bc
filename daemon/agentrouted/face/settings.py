"""What an agent is, and how far it may go."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final, Literal

from agentrouted.face.context import Context
from agentrouted.face.history import History
from agentrouted.face.llm import AnyModel
from agentrouted.face.memory import AnyMemory
from agentrouted.face.tools import Tool
from agentrouted_protocol.client_requests import Decision, ToolApproveParams, ToolApproveResult
from agentrouted_protocol.runs import Think

Validator = Callable[[Context, Any], Any]
"""Takes the answer, and returns it or another in its place; raises `Retry` to have the model mend it."""

Approve = Callable[
    [Context, ToolApproveParams],
    bool | Decision | ToolApproveResult | Awaitable[bool | Decision | ToolApproveResult],
]
"""Decides on a call: yes or no, or one of `allow_once`, `allow_always`, `reject_once`, `reject_always`, or a result
that has other arguments for the tool, or a message for the model."""


LIMITS: Final = (
    "max_turns",
    "max_cost",
    "max_tokens",
    "max_input_tokens",
    "max_output_tokens",
    "timeout",
    "idle_timeout",
)


@dataclass(eq=False, repr=False)
class AgentSettings:
    name: str
    _: KW_ONLY
    model: str | AnyModel | None = None
    """A model string (docs/configuration.md), what `resolve_model` returns, or an object of yours with `complete`."""

    api_key: str | None = None
    base_url: str | None = None
    instructions: str | None = None
    """What the model is told first. It is never stored."""

    description: str | None = None
    tools: Sequence[Tool | Callable[..., Any]] = ()
    mcp_servers: list[str] | None = None
    """Servers of tools, by their names in the configuration file."""

    agents: list[str] | None = None
    """Agents of the configuration file that this one may call as tools."""

    output: Any = None
    """The type of the answer: a pydantic model, dataclass, TypedDict, `list[X]`, a union, …; text if left out."""

    output_mode: Literal["auto", "tool", "native", "prompted", "text"] = "auto"
    """How the model is brought to answer so; `text`: it is not."""

    output_validators: list[Validator] = field(default_factory=list)
    memory: AnyMemory | None = None
    """Where the conversation goes on: read before each run, and added to when the run has ended well or was cancelled.
    """

    history: History | None = None
    approve: Approve | None = None
    """Asked about calls of tools that need approval. Without it, they are refused."""

    max_turns: int = 10
    """Calls of the model at most."""

    max_cost: float | None = None
    """US dollars for a run."""

    retries: int = 1
    """How often the model may be asked to mend an answer or a tool call."""

    timeout: float | None = None
    """Seconds for a run."""

    idle_timeout: float | None = None
    """Seconds without a sign of the model."""

    max_tokens: int | None = None
    """Of one reply of the model."""

    max_input_tokens: int | None = None
    """Of all calls of the model together, as is `max_output_tokens`."""

    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None
    think: Think | None = None
    """Whether the model thinks before it answers, or how hard."""

    boundary: Literal["local", "free"] | None = None
    """`local`: nothing leaves this machine. `free`: nothing is called that costs money."""

    @property
    def tools_map(self) -> dict[str, Tool]:
        """By name."""
        return {each.name: each for each in self.tools if isinstance(each, Tool)}
