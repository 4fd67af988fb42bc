"""An error, in words for a person or as JSON for a program."""

import json

from pydantic import ValidationError

from agentrouted.cli.terminal import say
from agentrouted.core.errors import AgentroutedError
from agentrouted_client.errors import ClientError, DaemonGone, RpcError
from agentrouted_protocol.errors import CODES, ErrorData, ErrorKind, ErrorObject
from agentrouted_protocol.validation import must_be


def tell_failure(error: Exception, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": _as_object(error).to_wire()}), flush=True)
    message, hint = _in_words(error)
    say(("error:", "red"), f" {message}")
    if hint:
        say(("hint:", "cyan"), f" {hint}")


def refused_argument(error: Exception) -> str | None:
    """What is wrong with the command line, where the contract does not take it; what a daemon answers is looked at by
    the client.
    """
    if not isinstance(error, ValidationError):
        return None
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"argument --{str(fault['loc'][0]).replace('_', '-')}: {must_be(fault)}"


def _in_words(error: Exception) -> tuple[str, str | None]:
    match error:
        case AgentroutedError() | ClientError():
            return error.message, error.hint
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else str(error), None
        case _:
            return f"unexpected {type(error).__name__}: {error}", "this is a fault of agentrouted: please report it"


def _as_object(error: Exception) -> ErrorObject:
    match error:
        case RpcError():
            return error.to_object()
        case AgentroutedError():
            data = ErrorData(kind=error.kind, retryable=error.retryable, hint=error.hint)
            return ErrorObject(code=CODES[error.kind], message=error.message, data=data)
        case _:
            kind: ErrorKind = "notFound" if isinstance(error, DaemonGone) else "internalError"
            message, hint = _in_words(error)
            return ErrorObject(code=CODES[kind], message=message, data=ErrorData(kind=kind, hint=hint))
