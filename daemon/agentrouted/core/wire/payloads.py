"""The JSON documents in a reply: a stream's, or the one."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from pydantic_core import from_json

from agentrouted.core.errors import ResponseInvalid, ResponseTruncated
from agentrouted.core.wire.reading import Reading
from agentrouted.core.wire.sse import EventParser

_LARGEST = 64 * 1024 * 1024


class Payloads(Reading):
    """Takes a body for what it looks like, since content types are often wrong: one JSON document, or events."""

    def __init__(self, read: Callable[[], Awaitable[bytes]], source: str) -> None:
        super().__init__(read, source)
        self._events = EventParser(source)
        self._document = bytearray()
        self._is_document: bool | None = None

    def _take(self, data: bytes) -> list[bytes]:
        if self._is_document is None:
            self._is_document = self._begins_document(data)
        if not self._is_document:
            return self._events.feed(data)
        self._document += data
        if len(self._document) > _LARGEST:
            raise ResponseInvalid(f"{self._source} sent an answer of more than {_LARGEST >> 20} MiB")
        return []

    def _end(self) -> list[bytes]:
        last = [bytes(self._document)] if self._is_document else self._events.end()
        if last and is_cut(last[-1]):
            raise ResponseTruncated(f"{self._source} ended its answer in the middle", hint="try again")
        return last

    def _begins_document(self, begin: bytes) -> bool:
        if begin.startswith(b"<"):
            raise ResponseInvalid(f"{self._source} answered with a web page", hint="check the address: most end in /v1")
        return begin.startswith((b"{", b"["))


def is_cut(payload: bytes) -> bool:
    """Whether it is the beginning of what it should be, and not all of it."""
    with suppress(ValueError):
        from_json(payload)
        return False
    with suppress(ValueError):
        from_json(payload, allow_partial=True)
        return True
    return payload != b"[DONE]" and b"[DONE]".startswith(payload)
