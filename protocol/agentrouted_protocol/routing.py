"""`resolveModel` and `model/*`: where a model string leads."""

from typing import Any, Literal

from agentrouted_protocol.base import Params, WireModel

Rule = Literal["virtualModel", "url", "provider", "pattern", "fallbackBase", "openrouter"]
AuthSource = Literal["param", "env", "config", "keyring", "client", "placeholder", "none"]
ModelState = Literal["ready", "notPulled", "serverDown", "noKey", "unknown"]


class ResolveModelParams(Params):
    model: str
    """Such as `anthropic/claude-sonnet-4`, `ollama/llama3`, `http://host:8000/v1/id`, or a name from the config."""

    api_key: str | None = None
    base_url: str | None = None


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
    model_id: str
    base_url: str
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
    fallbacks: list[RouteEndpoint] = []
    """Tried in this order when the first endpoint fails before any text was seen."""

    context_window: int | None = None
    price: Price | None = None
    trace: list[TraceStep]
    warnings: list[str] = []
    config_generation: int


class ModelListParams(Params):
    provider: str | None = None
    refresh: bool = False
    """Ask the local servers again, in place of what they said within the last minute."""


class ModelEntry(WireModel):
    """A model string that can be used, and its state."""

    model: str
    provider: str
    state: ModelState
    mend: str | None = None
    """What makes it ready, as a command or a sentence."""

    context_window: int | None = None
    size_bytes: int | None = None
    description: str | None = None


class ModelListResult(WireModel):
    models: list[ModelEntry]
    warnings: list[str] = []


class ModelProbeParams(Params):
    model: str


class ModelProbeResult(WireModel):
    """What one tiny call has shown."""

    model: str
    latency: float
    """Seconds from the request to the end of the answer."""

    time_to_first_token: float | None = None
    streaming: bool
    tools: bool
    json_schema: bool
    usage: bool
    context_window: int | None = None
    evidence: dict[str, Any] = {}
