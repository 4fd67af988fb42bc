"""Bytes to frames and back: the LSP base protocol."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agentrouted_protocol.errors import ErrorKind

_USUAL_HEADER: Final = re.compile(rb"Content-Length: (\d{1,9})\r\n\r\n")
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_CONTENT_LENGTH: Final = re.compile(rb"content-length[ \t]*:", re.IGNORECASE)
_LONGEST_DISCARD: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Fault:
    """Input that is no frame, and what its sender is told.

    After a `fatal` one the stream can't be trusted and is closed. `line` is a line of bare JSON: it is answered
    the way it came, without a header.
    """

    kind: ErrorKind
    message: str
    hint: str | None = None
    line: bytes | None = None
    fatal: bool = False


def encode_frame(body: bytes) -> bytes:
    """A frame with the one header every client understands."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class FrameReader:
    """Takes bytes as they come and yields bodies and faults, in order.

    Header names are read in any case, line ends may be LF alone. After a fault it finds the next header by itself.
    See LSP 3.17, "Base Protocol".
    """

    def __init__(self, *, header_bytes: int, message_bytes: int) -> None:
        self._header_bytes = header_bytes
        self._message_bytes = message_bytes
        self._buffer = bytearray()
        self._body_length: int | None = None
        self._discard = 0
        self._discard_line = False
        self._oversized: int | None = None

    def feed(self, data: bytes) -> Iterator[bytes | Fault]:
        start = 0
        if self._is_at_start:
            # Whole frames with the usual header, straight from the read: nearly all there are.
            while header := _USUAL_HEADER.match(data, start):
                body = header.end()
                end = body + int(header[1])
                if end > len(data) or end - body > self._message_bytes:
                    break
                yield data[body:end]
                start = end
            if start == len(data):
                return
        self._buffer += data[start:]
        yield from self._read_buffer()

    @property
    def is_between_frames(self) -> bool:
        """True if nothing has been begun that is not complete."""
        return self._body_length is None and not self._buffer.strip()

    @property
    def _is_at_start(self) -> bool:
        return not (self._buffer or self._body_length is not None or self._discard or self._discard_line) and (
            self._oversized is None
        )

    def _read_buffer(self) -> Iterator[bytes | Fault]:
        while self._buffer:
            if self._body_length is None:
                fault = self._read_header()
                if fault is not None:
                    yield fault
                    if fault.fatal:
                        return
                    continue
                if self._body_length is None:
                    return
            length = self._body_length
            if len(self._buffer) < length:
                return
            body = bytes(self._buffer[:length])
            del self._buffer[:length]
            self._body_length = None
            yield body

    def _read_header(self) -> Fault | None:
        """Set the body's length if a whole header is there; else say what is wrong, or None to wait for more."""
        if self._oversized is not None:
            fault = self._settle_oversized(self._oversized)
            if fault is not None or self._oversized is not None:
                return fault
        if not self._skip_unwanted():
            return None
        match = _BLANK_LINE.search(self._buffer, 0, self._header_bytes)
        if self._buffer.startswith((b"{", b"[")):
            return self._read_bare_json()
        if match is None:
            return self._reject_endless_header() if len(self._buffer) >= self._header_bytes else None
        header = bytes(self._buffer[: match.start()])
        length = _content_length(header)
        if isinstance(length, Fault):
            self._resynchronise(match.end())
            return length
        del self._buffer[: match.end()]
        if length > self._message_bytes:
            self._oversized = length
            return _too_large(length, self._message_bytes)
        self._body_length = length
        return None

    def _skip_unwanted(self) -> bool:
        """Drop what was refused before, and stray blank lines. False: all there is was dropped."""
        if self._discard:
            dropped = min(self._discard, len(self._buffer))
            del self._buffer[:dropped]
            self._discard -= dropped
        if self._discard_line:
            end = self._buffer.find(b"\n")
            self._discard_line = end < 0
            del self._buffer[: end + 1 if end >= 0 else len(self._buffer)]
        if self._buffer.startswith((b"\r", b"\n")):
            self._buffer = self._buffer.lstrip(b"\r\n")
        return bool(self._buffer)

    def _settle_oversized(self, length: int) -> Fault | None:
        """A body too large to take either follows (drop it) or was never sent (a header comes next)."""
        start = bytes(self._buffer[:15]).lower()
        if len(start) < 15 and b"content-length:".startswith(start):
            return None
        self._oversized = None
        if _CONTENT_LENGTH.match(self._buffer):
            return None
        self._discard = length
        if length <= _LONGEST_DISCARD:
            return None
        return Fault(
            "messageTooLarge", f"{length} bytes are too many even to skip; the connection is closed", fatal=True
        )

    def _read_bare_json(self) -> Fault | None:
        end = self._buffer.find(b"\n")
        if end < 0 and len(self._buffer) < self._header_bytes:
            return None
        line = bytes(self._buffer[: end if end >= 0 else len(self._buffer)])
        self._discard_line = end < 0
        self._resynchronise(len(line))
        return Fault(
            "parseError",
            "this is JSON without a header: messages are framed as in LSP, `Content-Length: N`, a blank line, N bytes",
            hint="start the client with LSP framing (vscode-jsonrpc, vim.lsp.rpc, jsonrpc.el do this as they are)",
            line=line,
        )

    def _reject_endless_header(self) -> Fault:
        return Fault(
            "messageTooLarge",
            f"a header is longer than {self._header_bytes} bytes; the connection is closed",
            fatal=True,
        )

    def _resynchronise(self, end: int) -> None:
        """Drop a bad header, but not the good one that may stand in its tail."""
        starts = [match.start() for match in _CONTENT_LENGTH.finditer(self._buffer, 0, end)]
        if len(starts) == 1 and starts[0] > 0:
            end = starts[0]
            self._discard_line = False
        del self._buffer[:end]


def _content_length(header: bytes) -> int | Fault:
    lengths: set[bytes] = set()
    for line in header.splitlines():
        name, colon, value = line.partition(b":")
        if not colon:
            return Fault("parseError", "a header line has no colon", hint="send `Content-Length: N` and a blank line")
        if name.strip().lower() == b"content-length":
            lengths.add(value.strip())
    if len(lengths) != 1:
        how_many = "no Content-Length" if not lengths else "two different Content-Lengths"
        return Fault("parseError", f"a header has {how_many}", hint="send `Content-Length: N` and a blank line")
    text = lengths.pop()
    if not text.isdigit() or len(text) > 19:
        return Fault("parseError", "Content-Length is not a whole number of bytes")
    return int(text)


def _too_large(length: int, limit: int) -> Fault:
    return Fault(
        "messageTooLarge",
        f"a message of {length} bytes was announced; the limit is {limit}",
        hint="send less in one message",
    )
