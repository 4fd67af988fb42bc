"""Where a model call goes: shared by routing and wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from agentrouted.core.key_source import KeySource
from agentrouted_protocol.messages import CostSource
from agentrouted_protocol.runs import Think

Strategy = Literal["priority", "balance", "cheapest", "fastest"]
Boundary = Literal["local", "free"]


def stricter(*boundaries: Boundary | None) -> Boundary | None:
    """The strictest: what stays on this machine costs nothing, either."""
    return "local" if "local" in boundaries else "free" if "free" in boundaries else None


OutputMode = Literal["native", "tool", "offered", "prompted", "text"]
"""How a model is brought to a structured answer.

`native`: the server holds its text to the schema. `tool`: it has to call a function that takes the answer. `offered`:
there is that function, but nothing makes it call. `prompted`: it is told the schema. `text`: it answers as it likes.
"""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `first_byte` is the wait for the reply to begin, `idle` the longest silence inside it."""

    connect: float = 10.0
    first_byte: float = 120.0
    idle: float = 120.0
    set_by: Literal["provider", "run"] = "provider"
    """Whose the last two are: the provider's own `timeouts`, or a run's `idleTimeout`."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    output: float
    cached: float | None = None
    source: CostSource = "config"
    """Where it comes from."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one server, with all that is needed to call it."""

    provider: str
    model_id: str
    base_url: str
    """Without a trailing slash, such as `https://openrouter.ai/api/v1`, `unix://<path>/v1`, or `embedded:<name>`."""

    wire: str
    """The wire format: a key of `core.wire.formats.FORMATS`, such as `chat_completions`."""

    local: bool
    better_wire: str | None = None
    """The format to take in place of `wire` if the server turns out to have it: `Services.connect` asks."""

    api_key: SecretStr | None = None
    key_source: KeySource | None = None
    """Where the key is to be fetched from when a call needs it: `Services.connect` does."""

    forget_key: Callable[[], object] | None = field(default=None, repr=False, compare=False)
    """Of a key that was fetched: to be called when the server refuses it."""

    account: str | None = None
    """Whose key it is, where the config has several accounts of the provider."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeouts: Timeouts = Timeouts()
    socket_path: str | None = None
    """Connect through this Unix socket in place of TCP."""

    supports_tools: bool = True
    """False where the server is known to drop tools without a word."""

    json_schema: bool = False
    """True where the server is known to hold the text of a reply to a JSON Schema."""

    output_mode: OutputMode | None = None
    """The way to a structured answer that it was found to take."""

    configured: frozenset[str] = frozenset()
    """The fields above that the config sets: whatever is learned, they stay."""

    retries: int = 2
    """How often it is asked again when it is busy, or failed in passing."""

    think: Think | None = None
    """Whether the model thinks before it answers, or how hard; None leaves it to the provider."""

    keep_alive: float | str | None = None
    """How long an Ollama keeps the model loaded after a call: seconds, or text such as `30m`."""

    context_window: int | None = None
    price: Price | None = None
    probed: Mapping[str, Any] = field(default_factory=dict)
    """What was found out about it, as a layer of `core.quirks`."""

    quirks: Mapping[str, Any] = field(default_factory=dict)
    """What the config says about it: the uppermost layer of `core.quirks`."""

    @property
    def owner(self) -> str:
        """Whose key is sent: `openai`, or `openai (work)` where there are several accounts."""
        return f"{self.provider} ({self.account})" if self.account else self.provider

    @property
    def is_embedded(self) -> bool:
        """A child of the daemon, which has told all that there is to know of it."""
        return self.socket_path is not None and not self.base_url.startswith("unix:")

    @property
    def label(self) -> str:
        """How the endpoint is named to people: `ollama/llama3 at http://localhost:11434/v1`."""
        return f"{self.provider}/{self.model_id} at {self.base_url}"


def model_string(provider: str, base_url: str, model_id: str) -> str:
    """How an endpoint is asked for: one without a name of its own, by its URL."""
    return f"{base_url}/{model_id}" if urlsplit(base_url).hostname == provider else f"{provider}/{model_id}"
