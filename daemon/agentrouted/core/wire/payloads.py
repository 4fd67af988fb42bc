"""The JSON documents in a reply: a stream's, or the one."""

from collections.abc import Awaitable, Callable

from pydantic_core import from_json

from agentrouted.core.errors import ResponseInvalid
from agentrouted.core.wire.sse import EventParser

_LARGEST = 64 * 1024 * 1024


class Payloads:
    """Takes a body for what it looks like, since content types are often wrong: one JSON document, or an event stream.

    `read` gives the next bytes, and none at the end; `source` names the server in errors.
    """

    def __init__(self, read: Callable[[], Awaitable[bytes]], source: str) -> None:
        self._read = read
        self._source = source
        self._events = EventParser(source)
        self._document = bytearray()
        self._is_document: bool | None = None
        self._ended = False

    async def next(self) -> list[bytes]:
        """Those that come next, all of one read; none at the end."""
        while not self._ended:
            data = await self._read()
            self._ended = not data
            if payloads := self._take(data):
                return payloads
        return []

    def _take(self, data: bytes) -> list[bytes]:
        if self._is_document is None and (begin := data.lstrip()):
            self._is_document = self._begins_document(begin)
        if self._is_document:
            return self._gather(data)
        return self._events.feed(data) if data else [each for each in self._events.end() if _is_whole(each)]

    def _begins_document(self, begin: bytes) -> bool:
        if begin.startswith(b"<"):
            raise ResponseInvalid(f"{self._source} answered with a web page", hint="check the address: most end in /v1")
        return begin.startswith((b"{", b"["))

    def _gather(self, data: bytes) -> list[bytes]:
        self._document += data
        if len(self._document) > _LARGEST:
            raise ResponseInvalid(f"{self._source} sent an answer of more than {_LARGEST >> 20} MiB")
        return [] if data else [bytes(self._document)]


def _is_whole(payload: bytes) -> bool:
    """Whether a last event without its blank line was cut off."""
    try:
        from_json(payload)
    except ValueError:
        return payload.startswith(b"[DONE]")
    return True
