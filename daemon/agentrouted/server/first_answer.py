"""`initialize`, answered before anything is imported."""

# Standard library only, and little of it: an editor waits for this answer, and the rest takes ten times as long.

import json
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from agentrouted.server.processes import is_alive

_AT_ONCE_SECONDS = 0.02
_LONGEST = 1 << 20


class FirstAnswer(NamedTuple):
    """What came to be at the door before all was loaded."""

    unread: bytes
    initialize: Any = None
    """The params of an `initialize` that was answered, or None."""

    seen: frozenset[int] = frozenset()
    """The process that it named, if it was there."""


def answer_initialize(read_fd: int, write_fd: int, load: Callable[[], object]) -> FirstAnswer:
    """Answer a plain `initialize` if it comes first.

    Anything unusual is left to the real reader, byte for byte. While the client takes its time, `load` is called in
    a thread; once that is done the real reader takes over.
    """
    data = _read_frame(read_fd, load)
    head, separator, rest = data.partition(b"\r\n\r\n")
    name, _, length = head.partition(b":")
    if not separator or name.lower() != b"content-length" or not _is_length(length):
        return FirstAnswer(data)
    body, unread = rest[: int(length)], rest[int(length) :]
    message = _initialize_request(body) if len(body) == int(length) else None
    if message is None:
        return FirstAnswer(data)
    params = message.get("params") or {}
    seen = _seen(params)
    result = Path(__file__).with_name("initialize.json").read_text()
    answer = f'{{"jsonrpc":"2.0","id":{json.dumps(message["id"])},"result":{result}}}'.encode()
    return FirstAnswer(unread, params, seen) if _write(write_fd, answer) else FirstAnswer(data)


def _read_frame(fd: int, load: Callable[[], object]) -> bytes:
    """What is there until a frame is whole, the input ends, or everything is loaded."""
    data = b""
    loading = threading.Thread(target=load, daemon=True)
    while not _holds_frame(data) and len(data) < _LONGEST:
        readable, _, _ = select.select([fd], [], [], _AT_ONCE_SECONDS)
        if readable:
            chunk = os.read(fd, 65536)
            if not chunk:
                break
            data += chunk
        elif loading.ident is None:
            loading.start()
        elif not loading.is_alive():
            break
    return data


def _holds_frame(data: bytes) -> bool:
    head, separator, rest = data.partition(b"\r\n\r\n")
    length = head.rpartition(b":")[2]
    return bool(separator) and (not _is_length(length) or len(rest) >= int(length))


def _is_length(text: bytes) -> bool:
    return text.strip().isdigit() and len(text) < 12


def _initialize_request(body: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or message.get("method") != "initialize":
        return None
    return message if type(message.get("id")) in (int, str) else None


def _seen(params: Any) -> frozenset[int]:
    process = params.get("processId") if isinstance(params, dict) else None
    return frozenset({process} if type(process) is int and is_alive(process) else ())


def _write(fd: int, body: bytes) -> bool:
    frame = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    try:
        while frame:
            frame = frame[os.write(fd, frame) :]
    except OSError:
        return False
    return True
