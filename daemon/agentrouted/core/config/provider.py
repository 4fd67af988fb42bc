"""The `providers` section: servers that speak for models."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from agentrouted.core.config.api_key import Accounts, ApiKey
from agentrouted.core.config.quirks import QuirksSection
from agentrouted.core.config.section import (
    Count,
    Dollars,
    HeaderName,
    HeaderValue,
    NaturalNumber,
    Seconds,
    Section,
    Text,
    WebAddress,
    refuse,
)
from agentrouted.core.endpoint import Price, Timeouts
from agentrouted_protocol.runs import Think

WireName = Literal[
    "chat_completions",
    "openai",
    "chat",
    "openai_responses",
    "responses",
    "anthropic_messages",
    "anthropic",
    "messages",
    "ollama_chat",
    "ollama",
    "gemini_generate_content",
    "gemini",
    "google",
]
"""What may stand in `api_protocol`."""

_OTHER_NAMES: Final[Mapping[str, str]] = {
    "openai": "chat_completions",
    "chat": "chat_completions",
    "responses": "openai_responses",
    "anthropic": "anthropic_messages",
    "messages": "anthropic_messages",
    "ollama": "ollama_chat",
    "gemini": "gemini_generate_content",
    "google": "gemini_generate_content",
}

_PATIENCE = Timeouts()


class TimeoutsSection(Section):
    """How long to wait for a provider, in seconds."""

    connect: Seconds = _PATIENCE.connect
    """For the connection."""

    first_byte: Seconds = _PATIENCE.first_byte
    """For the reply to begin."""

    idle: Seconds = _PATIENCE.idle
    """For the next piece of a reply that has begun."""

    @property
    def value(self) -> Timeouts:
        return Timeouts(self.connect, self.first_byte, self.idle)


class PriceSection(Section):
    """What a model costs, in US dollars for a million tokens."""

    input: Dollars
    """Tokens of the prompt."""

    output: Dollars
    """Tokens of the reply."""

    cached: Dollars | None = None
    """Tokens of the prompt that the provider read from its cache; if left out they cost what `input` says."""

    @property
    def value(self) -> Price:
        return Price(self.input, self.output, self.cached)


class ProviderModel(Section):
    """What is known of one model of a provider."""

    id: Text
    """As the provider calls it."""

    context_window: Count | None = None
    """Tokens of prompt and reply together. Ollama loads the model with so many; if left out, with as many as the
    conversation needs."""

    price: PriceSection | None = None
    """What it costs, where the provider does not report it."""

    think: Think | None = None
    """Whether it thinks before it answers, or how hard: `true`, `false`, `minimal`, `low`, `medium`, `high`, `xhigh` or
    `max`. What a model has no word for is told in the nearest that it has; if left out, it does as it is used to."""

    json_schema: bool | None = None
    """True if the provider holds its replies to a JSON Schema; if left out, what is known of the provider counts."""

    tools: bool | None = None
    """Whether it can call tools; false refuses runs with tools before it is asked. If left out, it is tried."""

    quirks: QuirksSection = QuirksSection()
    """How requests for this model are written, beyond the `quirks` of the provider."""


def _keep_alive(value: Any) -> Any:
    text = value.strip() if isinstance(value, str) else ""
    if isinstance(value, bool) or (text and not _DURATION.fullmatch(text)):
        raise refuse("must be seconds, or a time such as `30m` or `1h30m`")
    return float(text) if text and not text[-1].isalpha() else text or value


# As Go writes them.
_DURATION: Final = re.compile(r"-?(\d+(\.\d+)?|(\d+(\.\d+)?(h|m|s|ms))+)")
KeepAlive = Annotated[Annotated[float, Field(allow_inf_nan=False)] | str, BeforeValidator(_keep_alive)]


def _protocol_rows(value: Any) -> Any:
    return [{"*": value}] if isinstance(value, str) else value


WireFormat = Annotated[WireName, AfterValidator(lambda name: _OTHER_NAMES.get(name, name))]
ProtocolRow = Annotated[dict[str, WireFormat], Field(min_length=1, max_length=1)]
ProtocolRows = Annotated[
    tuple[ProtocolRow, ...],
    BeforeValidator(_protocol_rows, json_schema_input_type=WireName | list[dict[str, WireName]]),
]


class Provider(Section):
    """A server that speaks for models: a hosted one, or one of your own."""

    api_base: WebAddress | None = None
    """Where its API is, such as `https://api.groq.com/openai/v1`, or `unix:///run/llama.sock` for a server on a Unix
    socket. Not needed where the name tells it."""

    api_key: ApiKey | None = None
    """Sent to this provider's host only. Better written as `${GROQ_API_KEY}` than as the key itself; or a mapping that
    says where it is fetched from."""

    accounts: Accounts = Field(default_factory=dict)
    """In place of `api_key`, several of them by name, in the order in which they are asked: where one is refused, has
    no credit left or is asked too often, the next is."""

    api_protocol: ProtocolRows = ()
    """The wire format: its name, or a list of `pattern: name` where the first pattern that fits the model's id counts.
    There are `chat_completions` (also called `openai` or `chat`), `openai_responses` (`responses`),
    `anthropic_messages` (`anthropic` or `messages`), `ollama_chat` (`ollama`) and `gemini_generate_content` (`gemini`
    or `google`). If left out, the best that the provider is known for."""

    models: tuple[ProviderModel, ...] = ()
    """What you know of its models; others can be used just the same."""

    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Sent along with each request."""

    timeouts: TimeoutsSection = TimeoutsSection()
    """How long to wait."""

    retries: NaturalNumber = 2
    """How often it is asked again when it is busy or fails in passing. A wait that it asks for is kept, up to 30 s."""

    keep_alive: KeepAlive | None = None
    """How long an Ollama keeps a model loaded after a call: seconds, or text such as `30m`; below zero is for ever. If
    left out, the server decides."""

    quirks: QuirksSection = QuirksSection()
    """How requests to it are written, where that is not known, or known wrongly."""

    local: bool | None = None
    """True if nothing that is sent there leaves this machine. If left out, a loopback address makes it true."""

    def wire_for(self, model_id: str, otherwise: str = "chat_completions") -> str:
        """The wire format of one of its models; `otherwise` where nothing is said of it."""
        rows = (item for row in self.api_protocol for item in row.items())
        return next((wire for pattern, wire in rows if fnmatchcase(model_id, pattern)), otherwise)

    def model_named(self, model_id: str) -> ProviderModel | None:
        return next((model for model in self.models if model.id == model_id), None)

    @field_validator("accounts")
    @classmethod
    def _one_way(cls, accounts: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if accounts and info.data.get("api_key"):
            raise refuse("cannot stand beside `api_key`", "write that key as one of the accounts")
        return accounts

    @field_validator("models")
    @classmethod
    def _listed_once(cls, models: tuple[ProviderModel, ...]) -> tuple[ProviderModel, ...]:
        ids = [model.id for model in models]
        if twice := [each for each in ids if ids.count(each) > 1]:
            raise refuse(f"lists `{twice[0]}` more than once")
        return models
