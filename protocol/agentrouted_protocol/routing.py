"""`resolveModel` and `model/*`: where a model string leads."""

from typing import Annotated, Literal

from pydantic import Field

from agentrouted_protocol.base import Params, WireModel
from agentrouted_protocol.messages import Usage

Rule = Literal["virtualModel", "url", "provider", "pattern", "fallbackBase", "openrouter"]
AuthSource = Literal["param", "env", "config", "keyring", "client", "placeholder", "none"]
ModelState = Literal[
    "ready",
    "notPulled",
    "serverDown",
    "noKey",
    "loading",
    "outOfMemory",
    "contextTooSmall",
    "wrongServer",
    "unknown",
]


class ResolveModelParams(Params):
    model: str
    """Such as `anthropic/claude-sonnet-4`, `ollama/llama3`, `http://host:8000/v1/id`, or a name from the config."""

    api_key: str | None = None
    """A key to assume; it wins over every other."""

    base_url: str | None = None
    """An address to assume. A key is never sent to a host that it is not for."""


class Auth(WireModel):
    """Where the key comes from; never the key."""

    source: AuthSource
    name: str | None = None
    """The environment variable or config path that holds the key."""

    hint: str | None = None
    """Enough of the key to recognise it, or what to do when there is none."""


class Price(WireModel):
    """US dollars for a million tokens."""

    input: float
    output: float
    cached: float | None = None


class RouteEndpoint(WireModel):
    """One endpoint of a chain."""

    provider: str
    """A local kind, a provider of the config, or a known one."""

    model_id: str
    """The model's name at that server."""

    base_url: str
    """Without a trailing slash."""

    wire: str
    """The wire format, such as `chat_completions`."""

    local: bool
    """True if nothing leaves this machine."""

    auth: Auth


class TraceStep(WireModel):
    """One step of the decision: which rule was looked at, and what became of it."""

    step: str
    outcome: Literal["taken", "skipped", "found", "missing"]
    why: str


class Route(RouteEndpoint):
    """Where a model string leads, and why. Made without the network; holds no key."""

    rule: Rule
    """The rule that fitted: the first that does wins, in the order of the list."""

    fallbacks: list[RouteEndpoint] = []
    """Tried in this order when the first endpoint fails before any text was seen."""

    context_window: int | None = None
    """Tokens."""

    price: Price | None = None
    trace: list[TraceStep]
    """Every rule that was looked at, in order."""

    warnings: list[str] = []
    """What is odd and may not be meant."""

    config_generation: int
    """Of the configuration this was read from."""


class ModelListParams(Params):
    provider: str | None = None
    """Only this provider's."""

    refresh: bool = False
    """Ask the local servers again, in place of what they said within the last minute."""


class ModelEntry(WireModel):
    """A model string that can be used, and its state."""

    model: str
    """As `resolveModel` and `runAgent` take it."""

    provider: str
    state: ModelState
    mend: str | None = None
    """What makes it ready, as a command or a sentence."""

    loaded: bool | None = None
    """Whether its server has it in memory now, where the server says so."""

    context_window: int | None = None
    """Tokens."""

    size_bytes: int | None = None
    description: str | None = None


class LoadedModel(WireModel):
    """A model that its server has in memory."""

    id: str
    context_window: int | None = None
    """Tokens that it takes as it is loaded."""


class LocalServer(WireModel):
    """What was found where a kind of model server listens on this machine."""

    kind: str
    base_url: str | None = None
    state: ModelState
    software: str | None = None
    """Who answers there, where that can be told: it may be another kind."""

    models: int = 0
    """How many it offers."""

    loaded: list[LoadedModel] = []
    """Those it has in memory, where it says so."""

    mend: str | None = None


class EndpointFinding(WireModel):
    """Something that an endpoint was found to do, or not to."""

    name: str
    """`json_schema`, `supports_tools`, `output_mode`, `context_window`, `streaming`, `usage`, or a key under `quirks`,
    such as `quirks.parameters.seed`."""

    value: bool | int | str
    evidence: str
    """What was seen."""

    source: Literal["probe", "run"]
    learned_at: str
    """ISO 8601, UTC."""

    holds: bool
    """False once it is so old that runs do not go by it."""


class EndpointProfile(WireModel):
    """What is known of one model at one server, in one wire format."""

    model: str
    """As `model/probe` takes it."""

    provider: str
    model_id: str
    base_url: str
    wire: str
    findings: list[EndpointFinding]


class ModelListResult(WireModel):
    models: list[ModelEntry]
    servers: list[LocalServer] = []
    """The kinds of server that were looked for on this machine."""

    profiles: list[EndpointProfile] = []
    """What probes and runs have found out about endpoints."""

    warnings: list[str] = []
    """Servers that could not be asked, and why."""


class ModelProbeParams(Params):
    model: str
    """A model string; of a chain, the endpoint is asked that a run would ask first."""

    timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds for all calls together."""


class ModelProbeResult(WireModel):
    """What a few tiny calls have shown."""

    model: str
    route: RouteEndpoint
    """Who was asked."""

    latency: float
    """Seconds from an ordinary request to the end of its answer."""

    time_to_first_token: float | None = None
    streaming: bool
    """Each of these is what the endpoint did, not what it says it can do."""

    tools: bool
    """It called a tool that it had to call."""

    json_schema: bool
    """It kept to a JSON Schema that the prompt says nothing of."""

    usage: bool
    """It reported the tokens."""

    context_window: int | None = None
    """Tokens, as the server says."""

    spent: Usage
    """What the probe itself has cost."""

    evidence: dict[str, str] = {}
    """What was seen, by the name of what it shows."""
