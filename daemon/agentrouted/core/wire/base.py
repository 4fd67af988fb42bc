"""What every wire format takes and yields."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from agentrouted.core.endpoint import Endpoint
from agentrouted_protocol.messages import Message, SignedReasoning, Usage
from agentrouted_protocol.runs import Sampling


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


ANY_TOOL: Final = "*"


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The JSON Schema that a reply's text has to follow. `strict`: OpenAI's structured outputs, not merely a wish."""

    name: str
    schema: Mapping[str, Any]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model. Instructions are a `system` message at the front."""

    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    must_call: str | None = None
    """The name of the tool that the reply has to call; `ANY_TOOL`: one of them, whichever."""

    output: OutputSchema | None = None
    """What the text of the reply has to be, where the endpoint can be held to it."""

    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TextChunk:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningChunk:
    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """The model has begun to write a tool call."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """More of the JSON text of a call's arguments."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """A tool call, whole. `arguments` is None where `text` is not a JSON object."""

    id: str
    name: str
    text: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The end of a stream: all of the reply, and its bill.

    `usage.model_calls` is 1. `finish_reason` is the provider's own word; `model` the one that says it answered.
    """

    text: str
    reasoning: str
    calls: tuple[RequestedCall, ...]
    finish_reason: str | None
    usage: Usage
    model: str | None = None
    request_id: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    """Top-level fields of the reply that have no name here."""

    signed: SignedReasoning | None = None


Chunk = TextChunk | ReasoningChunk | CallStart | CallArguments | ModelReply


class WireFormat(Protocol):
    """A family member: turns a request into HTTP and its stream into chunks.

    Each item is what one read of the socket brought, so that it can leave as one write. The last chunk of the last
    item is the `ModelReply`; a stream that ends without one has raised. Closing the iterator closes the connection.
    Raises the errors of `core.errors` only.
    """

    def stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]: ...
