"""`runAgent` and `run/*`: agents at work."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agentrouted_protocol.base import Params, WireModel
from agentrouted_protocol.errors import ErrorObject
from agentrouted_protocol.messages import Message, StopReason, Usage
from agentrouted_protocol.routing import RouteEndpoint
from agentrouted_protocol.scope import Scope

Effect = Literal["read", "idempotent", "once"]
RunStatus = Literal["running", "waiting", "completed", "cancelled", "failed", "interrupted"]


class Tool(WireModel):
    """A tool of the client's own: the daemon calls it with `tool/call`."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
    description: str = ""
    """For the model: what it does, and when to use it."""

    input_schema: dict[str, Any]
    """JSON Schema of the arguments, an object."""

    effect: Effect = "idempotent"
    """`once`: never beside another call, never repeated after a crash without asking."""

    needs_approval: bool = False
    """Ask with `tool/approve` before each call."""

    timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds; then the model is told that the tool timed out."""


Think = bool | Literal["minimal", "low", "medium", "high", "xhigh", "max"]


class Sampling(WireModel):
    """How the model picks its words. What is left out is the provider's default."""

    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None
    think: Think | None = None
    """Whether it thinks before it answers, or how hard."""


class SlidingWindow(WireModel):
    """The last turns of the user, with their replies."""

    strategy: Literal["slidingWindow"]
    window_size: Annotated[int, Field(gt=0)] = 20
    """User turns kept, with their replies."""


class Truncate(WireModel):
    """As many of the last whole turns as fit."""

    strategy: Literal["truncate"]
    max_tokens: Annotated[int, Field(gt=0)] = 100_000
    """Counted as four characters each."""


class Summarize(WireModel):
    """Older turns are replaced by a summary."""

    strategy: Literal["summarize"]
    model: str
    """The model string of the model that writes it."""

    keep_recent: Annotated[int, Field(ge=0)] = 4
    """User turns that stay as they are."""


History = Annotated[SlidingWindow | Truncate | Summarize, Field(discriminator="strategy")]


class RunMemory(WireModel):
    """What a run may read from memory and write to it. Both are off unless asked for."""

    scope: Scope
    recall: Literal["auto", "tool", "off"] = "off"
    """`auto`: what fits is put before the prompt. `tool`: the model may look it up."""

    remember: Literal["tool", "off"] = "off"
    """`tool`: the model may keep facts."""


class RunAgentParams(Params):
    """A run: an agent of the config by name, or one described here. What stands here wins over the config."""

    agent: str | None = None
    """The name of an agent in the config, or in the own file of the client's folder."""

    model: str | None = None
    """A model string, as `resolveModel` takes it; needed where no agent names one."""

    instructions: str | None = None
    """The system prompt. It goes first and is never stored."""

    prompt: str | None = None
    """What the user says."""

    messages: list[Message] | None = None
    """The conversation so far, in place of `prompt` or before it."""

    tools: list[Tool] = []
    """The client's own, run by `tool/call`."""

    mcp_servers: list[str] | None = None
    """Names from the config."""

    agents: list[str] | None = None
    """Names of agents in the config that this one may call as tools."""

    output: dict[str, Any] | None = None
    """JSON Schema of the answer."""

    output_mode: Literal["auto", "tool", "native", "prompted", "text"] = "auto"
    """How the model is brought to answer as `output` says; `auto` takes what its endpoint does best."""

    max_turns: Annotated[int, Field(ge=1)] | None = None
    """Model calls at most; 10 unless the agent says otherwise. Of all limits, the strictest of run, agent and
    `daemon.limits` holds."""

    max_cost: Annotated[float, Field(ge=0)] | None = None
    """US dollars."""

    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Output tokens of one model call."""

    max_input_tokens: Annotated[int, Field(ge=1)] | None = None
    """Of all model calls of the run together."""

    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    """Of all model calls of the run together."""

    timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds for the whole run."""

    idle_timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds without a sign of the model."""

    retries: Annotated[int, Field(ge=0)] | None = None
    """How often the model may mend one refused answer or tool call; 1 unless the agent says otherwise."""

    session_id: str | None = None
    """The conversation to go on with: what was said in it comes before `messages` and `prompt`, and what this run adds
    is kept in it, `messages` too. Runs of one session wait for each other."""

    memory: RunMemory | None = None
    boundary: Literal["local", "free"] | None = None
    """`local`: nothing leaves this machine. `free`: nothing is called that costs money."""

    history: History | None = None
    """How a conversation that has grown long is made to fit."""

    sampling: Sampling | None = None
    api_key: str | None = None
    """For this run only; it wins over every other key."""

    base_url: str | None = None
    """Call the model there."""

    run_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Yours, if given: the same id again is the same run."""

    stream: bool = True
    """False: no text deltas, only whole steps."""

    detach: bool = False
    """Answer at once with `RunStarted`."""

    on_disconnect: Literal["cancel", "continue"] = "cancel"
    """What becomes of the run when its client goes away."""


class RunResult(WireModel):
    """How a run ended, and its whole bill."""

    run_id: str
    session_id: str | None = None
    output: Any = None
    """The structured answer where `output` was asked for, else the text."""

    text: str
    """The last answer of the model."""

    stop_reason: StopReason
    interrupted: bool = False
    """True if the run was stopped before its end; then the transcript is marked so."""

    usage: Usage
    messages: list[Message]
    """What this run added to the conversation: the prompt, replies, tool results."""

    route: RouteEndpoint | None = None
    """The endpoint that really answered last."""

    raw: dict[str, Any] | None = None
    """What the provider said with the last reply that has no place in `messages` and `usage`, in its own words: such as
    citations, log probabilities, or who really answered."""

    warnings: list[str] | None = None
    """What of the run's wishes could not be told to a model, each once."""

    last_seq: int
    """Of the last `run/event` of this run."""

    config_generation: int
    """Of the configuration the run has used, from beginning to end."""


class RunStarted(WireModel):
    """The answer where `detach` was asked for, and of calls that begin a run."""

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
    """`nextCursor` of the page before."""


class RunSummary(WireModel):
    run_id: str
    status: RunStatus
    agent: str | None = None
    model: str | None = None
    session_id: str | None = None
    parent_run_id: str | None = None
    """The run this one was forked from or started by."""

    created_at: str
    """Times are ISO 8601, UTC."""

    updated_at: str
    usage: Usage


class RunListResult(WireModel):
    runs: list[RunSummary]
    next_cursor: str | None = None
    """Where the next page begins; absent on the last one."""


class RunGetResult(RunSummary):
    messages: list[Message]
    result: RunResult | None = None
    """If the run has ended well, or was cancelled."""

    error: ErrorObject | None = None
    """If the run has failed."""

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
    """If the run has ended well, or was cancelled."""

    error: ErrorObject | None = None
    """If the run has failed."""


class RunCancelResult(WireModel):
    run_id: str
    cancelled: bool
    """False if the run had already ended."""


class RunSteerParams(RunIdParams):
    text: str
    """Said to the model as a user message before its next turn."""


class RunForkParams(RunIdParams):
    """A new run from the state another one was in at event `seq`. It is in no session."""

    seq: Annotated[int, Field(ge=1)]
    prompt: str | None = None
    """What is left out is taken over from the other run."""

    model: str | None = None
    instructions: str | None = None


class AgentEntry(WireModel):
    """An agent of the config, or of the own file of a folder that the client works in."""

    name: str
    description: str | None = None
    model: str | None = None
    instructions: str | None = None
    max_turns: int
    origin: str | None = None
    """Where it is written: `<file>:<line>`."""


class AgentListResult(WireModel):
    agents: list[AgentEntry]
