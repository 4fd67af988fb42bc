"""Error kinds and their codes: fixed, one of ours per kind."""

from typing import Any, Final, Literal

from agentrouted_protocol.base import WireModel
from agentrouted_protocol.messages import Message, Usage

ErrorKind = Literal[
    "parseError",
    "invalidRequest",
    "methodNotFound",
    "invalidParams",
    "internalError",
    "serverNotInitialized",
    "requestCancelled",
    "modelUnresolved",
    "modelMissing",
    "providerUnreachable",
    "providerTimeout",
    "providerAuth",
    "rateLimited",
    "quotaExceeded",
    "providerError",
    "responseInvalid",
    "responseTruncated",
    "contextOverflow",
    "maxTurns",
    "budgetExceeded",
    "priceUnknown",
    "outputInvalid",
    "toolFailed",
    "approvalDenied",
    "guardrailBlocked",
    "notFound",
    "conflict",
    "configInvalid",
    "overloaded",
    "messageTooLarge",
    "storage",
]

CODES: Final[dict[ErrorKind, int]] = {
    # JSON-RPC 2.0, section 5.1, and LSP 3.17, `ErrorCodes`.
    "parseError": -32700,
    "invalidRequest": -32600,
    "methodNotFound": -32601,
    "invalidParams": -32602,
    "internalError": -32603,
    "serverNotInitialized": -32002,
    "requestCancelled": -32800,
    # Ours: outside the ranges that JSON-RPC (-32768..-32000) and LSP (-32899..-32800) keep. Never renumber.
    "modelUnresolved": -31001,
    "modelMissing": -31002,
    "providerUnreachable": -31003,
    "providerTimeout": -31004,
    "providerAuth": -31005,
    "rateLimited": -31006,
    "quotaExceeded": -31007,
    "providerError": -31008,
    "responseInvalid": -31009,
    "responseTruncated": -31010,
    "contextOverflow": -31011,
    "maxTurns": -31012,
    "budgetExceeded": -31013,
    "priceUnknown": -31014,
    "outputInvalid": -31015,
    "toolFailed": -31016,
    "approvalDenied": -31017,
    "guardrailBlocked": -31018,
    "notFound": -31019,
    "conflict": -31020,
    "configInvalid": -31021,
    "overloaded": -31022,
    "messageTooLarge": -31023,
    "storage": -31024,
}


class ProviderReply(WireModel):
    """What the provider itself answered, without secrets."""

    name: str
    status: int | None = None
    text: str | None = None
    request_id: str | None = None


class ErrorData(WireModel):
    """`error.data` of every error answer."""

    kind: ErrorKind
    """The stable name: branch on this, not on the message."""

    retryable: bool = False
    """True if the same request may succeed later, unchanged."""

    hint: str | None = None
    """What to do next, as a sentence or a command."""

    retry_after: float | None = None
    """Seconds to wait before the next try, as the provider asked."""

    run_id: str | None = None
    """Of the run that failed."""

    usage: Usage | None = None
    """What a failed run had spent."""

    messages: list[Message] | None = None
    """The transcript of a failed run so far; every tool call in it is answered."""

    provider: ProviderReply | None = None
    """What the provider itself said."""

    details: dict[str, Any] | None = None
    """Of the kind: `{turn, limit}` of maxTurns, `{spent, limit}` of budgetExceeded, `{rule}` of guardrailBlocked."""


class ErrorObject(WireModel):
    """The `error` member of an answer (JSON-RPC 2.0, section 5.1)."""

    code: int
    """One per kind."""

    message: str
    """What happened and where, for people."""

    data: ErrorData | None = None
