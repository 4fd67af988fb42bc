"""JSON documents, one a line, from raw bytes."""

from collections.abc import Awaitable, Callable

from agentrouted.core.errors import ResponseInvalid, ResponseTruncated
from agentrouted.core.wire.payloads import is_cut
from agentrouted.core.wire.reading import Reading

_LARGEST = 64 * 1024 * 1024


class JsonLines(Reading):
    """Gives the lines of a body as they come; a body that is one document over many lines is taken as that."""

    def __init__(self, read: Callable[[], Awaitable[bytes]], source: str) -> None:
        super().__init__(read, source)
        self._rest = bytearray()
        self._is_document: bool | None = None

    def _take(self, data: bytes) -> list[bytes]:
        end = -1 if self._is_document else data.rfind(b"\n")
        if end < 0:
            self._keep(data)
            return []
        whole = bytes(self._rest) + data[:end]
        self._rest.clear()
        lines = [line for each in whole.split(b"\n") if (line := each.strip())]
        if lines and self._is_document is None:
            self._is_document = self._begins_document(lines[0])
        if self._is_document:
            self._keep(whole + data[end:])
            return []
        self._keep(data[end + 1 :])
        return lines

    def _keep(self, data: bytes) -> None:
        self._rest += data
        if len(self._rest) > _LARGEST:
            raise ResponseInvalid(f"{self._source} sent a line of more than {_LARGEST >> 20} MiB")

    def _begins_document(self, line: bytes) -> bool:
        if line.startswith(b"<"):
            raise ResponseInvalid(f"{self._source} answered with a web page", hint="check the address")
        return is_cut(line)

    def _end(self) -> list[bytes]:
        last = bytes(self._rest).strip()
        if last and self._is_document is None:
            self._begins_document(last)
        if last and is_cut(last):
            raise ResponseTruncated(f"{self._source} ended its answer in the middle", hint="try again")
        return [last] if last else []
