"""JSON text to a checked JSON-RPC message, and back."""

import json
import re
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from agentrouted_protocol.daemon import Limits
from agentrouted_protocol.errors import CODES, ErrorData, ErrorKind, ErrorObject

Id = int | str

LIMITS: Final = Limits()
"""Of every connection. The depth is that of the JSON parser, which counts for us."""

_HEAD: Final = b'{"jsonrpc":"2.0",'

# How nearly all clients begin an answer; our questions have numbers.
_ANSWER: Final = re.compile(
    rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*,\s*"(?:result|error)"\s*:'
)

# Of a surrogate pair. Whole ones are one character.
_HALF: Final = re.compile("[\ud800-\udfff]")


class Request(NamedTuple):
    id: Id
    method: str
    params: Any


class Notification(NamedTuple):
    method: str
    params: Any


class Response(NamedTuple):
    id: Id | None
    """None: the peer could not read what we sent, not even its id."""

    result: Any
    error: Any


class Malformed(NamedTuple):
    """What is no message, and the id its answer carries, where one can be told."""

    kind: ErrorKind
    message: str
    id: Id | None = None
    question: Id | None = None
    """Ours, which it answers if one with this id is open. Such an id is none of theirs."""


Incoming = Request | Notification | Response | Malformed


def decode(body: bytes) -> list[Incoming]:
    """The messages in a body: one, or for a batch as many as it has, each malformed."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        if (whole := _with_whole_characters(body)) is not None:
            return decode(whole)
        if "recursion limit" in str(error):
            return [Malformed("messageTooLarge", f"the message is nested deeper than {LIMITS.depth}", *_ids_in(body))]
        return [Malformed("parseError", f"the message is not JSON: {error}", *_ids_in(body))]
    if type(value) is dict:
        return [_check(value)]
    if type(value) is list and value:
        return [_refuse_batched(entry) for entry in value]
    return [Malformed("invalidRequest", f"a message is an object, not {_name(value)}")]


def _with_whole_characters(body: bytes) -> bytes | None:
    """Half a surrogate pair, as JavaScript writes text that it has cut in mid-character, becomes U+FFFD.

    None where there is none.
    """
    try:
        # To Python such halves are JSON.
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    whole = _HALF.sub("\ufffd", text)
    return None if whole == text else whole.encode()


def encode_result(id_: Id, result: Any) -> bytes:
    """An answer. `result` is a model of the contract, plain JSON data, or JSON text as bytes."""
    if type(result) is not bytes:
        result = to_json(result, by_alias=True, exclude_none=True)
    return b'%b"id":%b,"result":%b}' % (_HEAD, to_json(id_), result)


def encode_error(id_: Id | None, error: ErrorObject) -> bytes:
    return b'%b"id":%b,"error":%b}' % (_HEAD, to_json(id_), to_json(error, by_alias=True, exclude_none=True))


def encode_call(method: str, params: Any, id_: Id | None = None) -> bytes:
    """A request, or without an id a notification."""
    text = to_json(params, by_alias=True, exclude_none=True)
    if id_ is None:
        return b'%b"method":%b,"params":%b}' % (_HEAD, to_json(method), text)
    return b'%b"id":%b,"method":%b,"params":%b}' % (_HEAD, to_json(id_), to_json(method), text)


def error_object(kind: ErrorKind, message: str, hint: str | None = None) -> ErrorObject:
    return ErrorObject(code=CODES[kind], message=message, data=ErrorData(kind=kind, hint=hint))


def _ids_in(body: bytes) -> tuple[Id | None, Id | None]:
    """The id of a request that we refuse to read, or of our question if it is an answer."""
    try:
        # NaN is JSON to Python.
        value = json.loads(body)
    except (ValueError, RecursionError):
        answer = _ANSWER.match(body)
        return None, int(answer[1]) if answer else None
    id_ = _known_id(value.get("id")) if isinstance(value, dict) else None
    return (id_, None) if isinstance(value, dict) and "method" in value else (None, id_)


def _check(value: dict[str, Any]) -> Incoming:
    id_ = value.get("id")
    known_id = _known_id(id_)
    method = value.get("method")
    if "method" not in value and "id" in value and ("result" in value or "error" in value):
        return Response(known_id, value.get("result"), value.get("error"))
    if value.get("jsonrpc") != "2.0":
        return Malformed("invalidRequest", '`jsonrpc` must be "2.0"', known_id)
    if "method" not in value:
        # A request without its method, or an answer without its `result`: what is undefined is left out by JavaScript.
        return Malformed("invalidRequest", "there is no `method`, nor a `result` or an `error`", known_id, known_id)
    if type(method) is not str:
        return Malformed("invalidRequest", f"`method` must be a string, not {_name(method)}", known_id)
    if "id" not in value:
        return Notification(method, value.get("params"))
    if known_id is None:
        return Malformed("invalidRequest", f"`id` must be a string or a whole number, not {_name(id_)}")
    return Request(known_id, method, value.get("params"))


def _refuse_batched(entry: Any) -> Malformed:
    return Malformed(
        "invalidRequest",
        "batches are not part of LSP: send each message in a frame of its own",
        _known_id(entry.get("id")) if type(entry) is dict else None,
    )


def _known_id(value: Any) -> Id | None:
    return value if type(value) in (int, str) else None


def _name(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "null")
