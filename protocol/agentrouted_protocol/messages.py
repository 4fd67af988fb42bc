"""Messages of a conversation, and what they cost."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agentrouted_protocol.base import WireModel

Role = Literal["system", "user", "assistant", "tool"]
StopReason = Literal["end_turn", "max_tokens", "refusal", "cancelled", "loop"]
CostSource = Literal["reported", "config", "table", "local", "unknown"]


class TextPart(WireModel):
    type: Literal["text"] = "text"
    text: str


class ImagePart(WireModel):
    """An image, by address or as base64 data with its media type."""

    type: Literal["image"] = "image"
    url: str | None = None
    data: str | None = None
    mime_type: str | None = None
    """Such as `image/png`; needed with `data`."""


class FilePart(WireModel):
    """A file, by address or as base64 data with its media type."""

    type: Literal["file"] = "file"
    url: str | None = None
    data: str | None = None
    mime_type: str | None = None
    """Such as `application/pdf`; needed with `data`."""

    name: str | None = None


Part = Annotated[TextPart | ImagePart | FilePart, Field(discriminator="type")]


class ToolCall(WireModel):
    """A call the model asked for."""

    id: str
    name: str
    arguments: dict[str, Any] = {}


class SignedBlock(WireModel):
    """A piece of reasoning as its provider wrote it."""

    at: int
    """How much of the same message stands before it: 1 for its text, if it has any, and 1 for each call."""

    block: dict[str, Any]


class SignedReasoning(WireModel):
    """Reasoning that its provider signed or encrypted. Opaque: only the model that wrote it takes it back."""

    wire: str
    provider: str
    model_id: str
    blocks: list[SignedBlock]


class Message(WireModel):
    """One message, the same whichever vendor wrote it."""

    role: Role
    content: str | list[Part] = ""
    reasoning: str | None = None
    """What the model thought, where the provider tells."""

    signed: SignedReasoning | None = None
    """The same in its own shape, to be given back as it is: without it some models lose their thread."""

    tool_calls: list[ToolCall] | None = None
    """On an `assistant` message: the calls it asks for."""

    tool_call_id: str | None = None
    """On a `tool` message: the call it answers."""

    name: str | None = None
    """On a `tool` message: the tool's name."""


class Usage(WireModel):
    """What was spent, in tokens and US dollars."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Those of `inputTokens` that the provider read from its cache."""

    reasoning_tokens: int = 0
    """Those of `outputTokens` that were spent on reasoning."""

    total_cost_usd: float | None = None
    """Left out where a call's price is unknown; unknown is not zero."""

    model_calls: int = 0
    """Calls that a model has answered, if only in part, or that were cancelled; of retries and summaries, too."""

    tool_calls: int = 0
    estimated: bool = False
    """True if a provider reported no usage and tokens were counted from the text."""

    cost_source: CostSource = "unknown"
    """`reported` by the provider, from prices in the `config` or our `table`, `local` (free), or `unknown`."""
