"""Errors as they cross a wire or lie in a journal, and back."""

from collections.abc import Iterator

from agentrouted.core import errors
from agentrouted.core.errors import AgentroutedError
from agentrouted_protocol.errors import CODES, ErrorData, ErrorKind, ErrorObject


def to_error_object(error: AgentroutedError) -> ErrorObject:
    """No traceback, prompt or secret gets into it."""
    data = ErrorData(
        kind=error.kind,
        retryable=error.retryable,
        hint=error.hint,
        retry_after=error.retry_after,
        run_id=error.run_id,
        usage=error.usage,
        messages=error.messages,
        provider=error.provider,
        details=error.details,
    )
    return ErrorObject(code=CODES[error.kind], message=error.message, data=data)


def from_error_object(told: ErrorObject) -> AgentroutedError:
    data = told.data or ErrorData(kind="internalError")
    error = _class_of(data.kind)(
        told.message, hint=data.hint, retry_after=data.retry_after, provider=data.provider, details=data.details
    )
    error.run_id, error.usage, error.messages = data.run_id, data.usage, data.messages
    return error


def _class_of(kind: ErrorKind) -> type[AgentroutedError]:
    return next((each for each in _classes() if each.kind == kind), AgentroutedError)


def _classes() -> Iterator[type[AgentroutedError]]:
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, AgentroutedError):
            yield value
