"""What the daemon asks of the client: tools, approvals, keys."""

from typing import Any, Literal

from agentrouted_protocol.base import SentParams, WireModel
from agentrouted_protocol.messages import Part

Decision = Literal["allow_once", "allow_always", "reject_once", "reject_always"]


class ToolCallParams(SentParams):
    run_id: str
    call_id: str
    name: str
    arguments: dict[str, Any]
    """A JSON object, as the model wrote it: check it against the tool's schema."""


class ToolCallResult(WireModel):
    content: str | list[Part] = ""
    """What the model is told."""

    is_error: bool = False
    """True: `content` tells the model what went wrong."""


class ToolApproveParams(SentParams):
    """A question to the person at the client. No answer, null, or an error counts as a rejection."""

    run_id: str
    call_id: str
    name: str
    arguments: dict[str, Any]
    reason: str
    """Why it is asked, in words."""

    options: list[Decision]
    """The decisions that may be answered."""


class ToolApproveResult(WireModel):
    decision: Decision
    arguments: dict[str, Any] | None = None
    """The arguments to use in place of the model's."""

    message: str | None = None
    """On a rejection: what the model is told."""


class SecretGetParams(SentParams):
    """Asked of a client with `secrets` when one of its runs needs a key that is kept nowhere else.

    The key is kept in memory, for this connection only, and sent to this host only. It is asked for anew when the host
    refuses it. Null, an error and no answer within five minutes are no key.
    """

    provider: str
    """As `resolveModel` calls it; at an address that is no provider's own, the host."""

    host: str
    """Such as `api.groq.com`; with the port where it is not HTTPS's own, such as `llm.example.com:8443`."""


class SecretGetResult(WireModel):
    value: str | None = None
    """The key; left out where there is none."""
