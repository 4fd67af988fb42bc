"""Everything that can go wrong, as one tree.

AgentroutedError
├── InvalidParams            a request or argument that cannot be meant
├── ModelUnresolved          a model string that leads nowhere
├── ModelMissing             the server is there, the model is not
├── ProviderUnreachable      nothing answers at that address
├── ProviderTimeout          it answered too late, or stopped answering
├── ProviderAuth             401, 403, no key
├── RateLimited              429
├── QuotaExceeded            402, no credit
├── ProviderError            any other refusal or fault of the provider
├── ResponseInvalid          a 2xx that is not what was asked for
├── ResponseTruncated        a stream that ended without its end
├── ContextOverflow          the prompt is longer than the model's window
├── MaxTurns                 the run used all its model turns
├── BudgetExceeded           the money or the tokens of a run are used up
├── PriceUnknown             a paid model without a price, under a limit of cost
├── OutputInvalid            the model's answer is not what `output` asks for
├── ToolFailed               a tool could not be run at all
├── GuardrailBlocked         a rule of the user's forbids it
├── NotFound                 no such run, agent, model, …
├── Conflict                 it exists already, or is in another state
├── ConfigInvalid            the configuration says something impossible
├── Overloaded               too much at once
└── Storage                  the disk or the database
"""

from typing import Any, ClassVar, Final, Self

from agentrouted_protocol.errors import ErrorKind, ProviderReply
from agentrouted_protocol.messages import Message, Usage

PASSING_STATUSES: Final = frozenset({408, 425})
"""Of HTTP, below 500: the request came too late or too early, and is not to blame."""

_PASSING: Final = frozenset[ErrorKind](
    {
        "providerUnreachable",
        "providerTimeout",
        "rateLimited",
        "responseInvalid",
        "responseTruncated",
        "overloaded",
    }
)


class AgentroutedError(Exception):
    """Base of all: a message for people, a `kind` for programs, and what to do next.

    `message` says what happened and where; `hint` says what to do. Neither ever holds a key or a prompt.
    """

    kind: ClassVar[ErrorKind] = "internalError"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        provider: ProviderReply | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after = retry_after
        self.provider = provider
        self.details = details
        # Of the run that failed with it, so that its caller still gets the bill.
        self.run_id: str | None = None
        self.usage: Usage | None = None
        self.messages: list[Message] | None = None

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later, unchanged."""
        return self.kind in _PASSING

    def of_run(self, run_id: str, usage: Usage, messages: list[Message]) -> Self:
        """The same as the end of a run. A new one: what was raised may be kept, and reach others, too."""
        error = type(self).__new__(type(self), *self.args)
        vars(error).update(vars(self), run_id=run_id, usage=usage, messages=messages)
        return error


class InvalidParams(AgentroutedError):
    kind = "invalidParams"


class ModelUnresolved(AgentroutedError):
    kind = "modelUnresolved"


class ModelMissing(AgentroutedError):
    kind = "modelMissing"


class ProviderUnreachable(AgentroutedError):
    kind = "providerUnreachable"


class ProviderTimeout(AgentroutedError):
    kind = "providerTimeout"


class ProviderAuth(AgentroutedError):
    kind = "providerAuth"


class RateLimited(AgentroutedError):
    kind = "rateLimited"


class QuotaExceeded(AgentroutedError):
    kind = "quotaExceeded"


class ProviderError(AgentroutedError):
    kind = "providerError"

    @property
    def retryable(self) -> bool:
        return self.is_server_fault

    @property
    def is_server_fault(self) -> bool:
        """True for 5xx and the like, where another try or another endpoint may do."""
        if self.details and self.details.get("state") == "outOfMemory":
            return True
        status = self.provider.status if self.provider else None
        return status is None or status in PASSING_STATUSES or status >= 500


class ResponseInvalid(AgentroutedError):
    kind = "responseInvalid"


class ResponseTruncated(AgentroutedError):
    kind = "responseTruncated"


class ContextOverflow(AgentroutedError):
    kind = "contextOverflow"


class MaxTurns(AgentroutedError):
    """The run made exactly `limit` model calls and the model still wanted more.

    Raise it with `details={"turn": …, "limit": …}`.
    """

    kind = "maxTurns"


class BudgetExceeded(AgentroutedError):
    """Raise it with `details={"spent": …, "limit": …}`: US dollars, or tokens where `unit` says so."""

    kind = "budgetExceeded"


class PriceUnknown(AgentroutedError):
    kind = "priceUnknown"


class OutputInvalid(AgentroutedError):
    """Raise it with `details={"text": …, "errors": […]}`: the last answer, and what was wrong with it."""

    kind = "outputInvalid"


class ToolFailed(AgentroutedError):
    kind = "toolFailed"


class GuardrailBlocked(AgentroutedError):
    """Raise it with `details={"rule": …}`: the key of the config or the parameter that forbids it."""

    kind = "guardrailBlocked"


class NotFound(AgentroutedError):
    kind = "notFound"


class Conflict(AgentroutedError):
    kind = "conflict"


class ConfigInvalid(AgentroutedError):
    kind = "configInvalid"


class Overloaded(AgentroutedError):
    kind = "overloaded"


class Storage(AgentroutedError):
    kind = "storage"
