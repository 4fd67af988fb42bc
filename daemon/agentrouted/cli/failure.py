"""An error, in words for a person or as JSON for a program."""

import argparse
import json
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agentrouted.cli.terminal import say
from agentrouted.core.errors import AgentroutedError, InvalidParams
from agentrouted_client.errors import ClientError, DaemonGone, RpcError
from agentrouted_protocol.errors import CODES, ErrorData, ErrorKind, ErrorObject
from agentrouted_protocol.memory import MemoryFilter
from agentrouted_protocol.methods import METHODS
from agentrouted_protocol.validation import must_be

_OUR_FAULT: Final = "this is a fault of agentrouted: please report it"


def tell_failure(error: Exception, *, as_json: bool) -> None:
    if fault := _fault_of_params(error):
        error = InvalidParams(f"`{'.'.join(map(str, fault['loc']))}` {must_be(fault)}")
    if as_json:
        print(json.dumps({"error": _as_object(error).to_wire()}), flush=True)
    message, hint = _in_words(error)
    say(("error:", "red"), f" {message}")
    if hint:
        say(("hint:", "cyan"), f" {hint}")


def refused_argument(error: Exception, parser: argparse.ArgumentParser) -> argparse.ArgumentError | None:
    """What the contract does not take of a command line; None if no argument holds what is wrong."""
    fault = _fault_of_params(error)
    if fault is None:
        return None
    found = next((action for action in parser._actions if fault["loc"][:1] == (action.dest,)), None)
    return argparse.ArgumentError(found, must_be(fault)) if found else None


def _fault_of_params(error: Exception) -> ErrorDetails | None:
    """The first of what was to be sent. A value of another kind that does not fit is a fault of ours."""
    sent = {MemoryFilter, *(method.params for method in METHODS.values())}
    if isinstance(error, ValidationError) and error.title in {model.__name__ for model in sent}:
        return error.errors(include_url=False, include_input=False)[0]
    return None


def _in_words(error: Exception) -> tuple[str, str | None]:
    match error:
        case AgentroutedError() | ClientError():
            return error.message, error.hint
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else str(error), None
        case ValidationError():
            # Its own words repeat the value.
            fault = error.errors(include_url=False, include_input=False)[0]
            return f"`{'.'.join(map(str, fault['loc']))}` of {error.title} {must_be(fault)}", _OUR_FAULT
        case _:
            return f"unexpected {type(error).__name__}: {error}", _OUR_FAULT


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
