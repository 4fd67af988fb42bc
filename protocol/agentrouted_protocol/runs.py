"""`runAgent` and `run/*`: agents at work."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agentrouted_protocol.base import Params, WireModel
from agentrouted_protocol.messages import Message, StopReason, Usage
from agentrouted_protocol.routing import RouteEndpoint
from agentrouted_protocol.scope import Scope

RunStatus = Literal["running", "waiting", "completed", "cancelled", "failed", "interrupted"]


class Tool(WireModel):
    """A tool of the client's own: the daemon calls it with `tool/call`."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
    description: str = ""
    input_schema: dict[str, Any]
    """JSON Schema of the arguments, an object."""

    effect: Literal["read", "idempotent", "once"] = "idempotent"
    """`once`: never beside another call, never repeated after a crash without asking."""

    needs_approval: bool = False
    timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds; then the model is told that the tool timed out."""


class Sampling(WireModel):
    """How the model picks its words. What is left out is the provider's default."""

    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None


class SlidingWindow(WireModel):
    strategy: Literal["slidingWindow"]
    window_size: Annotated[int, Field(gt=0)] = 20
    """User turns kept, with their replies."""


class Truncate(WireModel):
    strategy: Literal["truncate"]
    max_tokens: Annotated[int, Field(gt=0)] = 100_000


class Summarize(WireModel):
    strategy: Literal["summarize"]
    model: str
    keep_recent: Annotated[int, Field(ge=0)] = 4


History = Annotated[SlidingWindow | Truncate | Summarize, Field(discriminator="strategy")]


class RunMemory(WireModel):
    """What a run may read from memory and write to it. Both are off unless asked for."""

    scope: Scope
    recall: Literal["auto", "tool", "off"] = "off"
    remember: Literal["tool", "off"] = "off"


class RunAgentParams(Params):
    """A run: an agent of the config by name, or one described here. What stands here wins over the config."""

    agent: str | None = None
    model: str | None = None
    instructions: str | None = None
    prompt: str | None = None
    messages: list[Message] | None = None
    """The conversation so far, in place of `prompt` or before it."""

    tools: list[Tool] = []
    mcp_servers: list[str] | None = None
    output: dict[str, Any] | None = None
    """JSON Schema of the answer."""

    output_mode: Literal["auto", "tool", "native", "prompted", "text"] = "auto"
    max_turns: Annotated[int, Field(ge=1)] | None = None
    """Model calls at most; 10 unless the agent says otherwise."""

    max_cost: Annotated[float, Field(ge=0)] | None = None
    """US dollars."""

    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Output tokens of one model call."""

    timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds for the whole run."""

    idle_timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds without a sign of the model."""

    retries: Annotated[int, Field(ge=0)] | None = None
    session_id: str | None = None
    memory: RunMemory | None = None
    boundary: Literal["local", "free"] | None = None
    history: History | None = None
    sampling: Sampling | None = None
    api_key: str | None = None
    base_url: str | None = None
    run_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Yours, if given: the same id again is the same run."""

    stream: bool = True
    """False: no text deltas, only whole steps."""

    detach: bool = False
    """Answer at once with `RunStarted`."""

    on_disconnect: Literal["cancel", "continue"] = "cancel"


class RunResult(WireModel):
    """How a run ended, and its whole bill."""

    run_id: str
    session_id: str | None = None
    output: Any = None
    """The structured answer where `output` was asked for, else the text."""

    text: str
    stop_reason: StopReason
    interrupted: bool = False
    usage: Usage
    messages: list[Message]
    """What this run added to the conversation: the prompt, replies, tool results."""

    route: RouteEndpoint | None = None
    """The endpoint that really answered last."""

    last_seq: int
    config_generation: int


class RunStarted(WireModel):
    run_id: str
    status: RunStatus


RunAnswer = RunResult | RunStarted


class RunIdParams(Params):
    run_id: str


class RunListParams(Params):
    status: RunStatus | None = None
    session_id: str | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    cursor: str | None = None


class RunSummary(WireModel):
    run_id: str
    status: RunStatus
    agent: str | None = None
    model: str | None = None
    session_id: str | None = None
    parent_run_id: str | None = None
    created_at: str
    updated_at: str
    usage: Usage


class RunListResult(WireModel):
    runs: list[RunSummary]
    next_cursor: str | None = None


class RunGetResult(RunSummary):
    messages: list[Message]
    result: RunResult | None = None
    last_seq: int


class RunAttachParams(RunIdParams):
    after_seq: Annotated[int, Field(ge=0)] = 0
    """The last event that was seen; 0 for all."""


class RunAttachResult(WireModel):
    run_id: str
    status: RunStatus
    last_seq: int
    gap: bool = False
    """True if events after `afterSeq` are no longer kept."""

    result: RunResult | None = None


class RunCancelResult(WireModel):
    run_id: str
    cancelled: bool
    """False if the run had already ended."""


class RunSteerParams(RunIdParams):
    text: str
    """Said to the model as a user message before its next turn."""


class RunForkParams(RunIdParams):
    """A new run from the state another one was in at event `seq`."""

    seq: Annotated[int, Field(ge=1)]
    prompt: str | None = None
    model: str | None = None
    instructions: str | None = None


class AgentEntry(WireModel):
    """An agent of the config."""

    name: str
    description: str | None = None
    model: str | None = None
    instructions: str | None = None
    max_turns: int


class AgentListResult(WireModel):
    agents: list[AgentEntry]
