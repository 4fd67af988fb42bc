"""What can go wrong for a client, as one tree.

ClientError
├── DaemonGone    no daemon at the other end, or no longer
└── RpcError      the daemon answered with an error
"""

from agentrouted_protocol.errors import CODES, ErrorData, ErrorKind, ErrorObject


class ClientError(Exception):
    """Base of all: `message` says what happened and where, `hint` what to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DaemonGone(ClientError):
    """The daemon could not be reached, or has ended. What was asked of it is not answered any more."""


class RpcError(ClientError):
    """The daemon answered with an error.

    Branch on `kind`, not on the message. `data` says whether it is worth retrying, and what a failed run spent.
    """

    def __init__(self, code: int, message: str, data: ErrorData | None = None) -> None:
        super().__init__(message, data.hint if data else None)
        self.code = code
        self.data = data

    @property
    def kind(self) -> ErrorKind:
        if self.data:
            return self.data.kind
        return next((kind for kind, code in CODES.items() if code == self.code), "internalError")

    def to_object(self) -> ErrorObject:
        """As the `error` member of an answer."""
        return ErrorObject(code=self.code, message=self.message, data=self.data)
