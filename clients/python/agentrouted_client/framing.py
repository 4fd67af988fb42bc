"""Frames of the LSP base protocol: a length, then a body."""

# LSP 3.17, "Base Protocol".

_HEADER_LIMIT = 8 * 1024
_HEADER_END = b"\r\n\r\n"


class BadFrame(ValueError):
    """The stream is not framed JSON-RPC, and nothing after this point can be trusted."""


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class Frames:
    """Cuts a stream of bytes, fed as it comes, into bodies."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that are complete now."""
        self._buffer += data
        bodies = []
        while (body := self._take_body()) is not None:
            bodies.append(body)
        return bodies

    def _take_body(self) -> bytes | None:
        if self._length is None:
            self._length = self._take_header()
        if self._length is None or len(self._buffer) < self._length:
            return None
        body = self._take(self._length)
        self._length = None
        return body

    def _take_header(self) -> int | None:
        end = self._buffer.find(_HEADER_END)
        if end < 0 and len(self._buffer) <= _HEADER_LIMIT:
            return None
        return _content_length(self._take(end + len(_HEADER_END)) if end >= 0 else bytes(self._buffer))

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def _content_length(header: bytes) -> int:
    for line in header.splitlines():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    raise BadFrame(f"expected a JSON-RPC frame, got {header[:80]!r}")
