"""Server-sent events, from raw bytes to payloads."""

from agentrouted.core.errors import ResponseInvalid

_LARGEST = 16 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventParser:
    """Takes bytes as they come and gives the `data` of each event that is whole (HTML standard, section 9.2).

    Bytes stay bytes: each payload is decoded once, as JSON, by whoever knows its meaning. `source` names the stream
    in errors.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._rest = bytearray()
        self._ends_in_return = False

    def feed(self, data: bytes) -> list[bytes]:
        if self._ends_in_return or b"\r" in data:
            data = self._with_plain_lines(data)
        if not self._rest and data.endswith(b"\n\n"):
            return _payloads(data)
        looked_at = max(0, len(self._rest) - 1)
        self._rest += data
        end = self._rest.rfind(b"\n\n", looked_at)
        if end < 0:
            if len(self._rest) > _LARGEST:
                raise ResponseInvalid(f"{self._source} sent an event of more than {_LARGEST >> 20} MiB")
            return []
        whole = bytes(self._rest[:end])
        del self._rest[: end + 2]
        return _payloads(whole)

    def end(self) -> list[bytes]:
        """The last event, where the stream ended without its blank line."""
        whole, self._rest = bytes(self._rest), bytearray()
        return _payloads(whole)

    def _with_plain_lines(self, data: bytes) -> bytes:
        r"""With \n for \r\n and \r; a last \r waits for what follows it."""
        if self._ends_in_return:
            data = b"\r" + data
        self._ends_in_return = data.endswith(b"\r")
        if self._ends_in_return:
            data = data[:-1]
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _payloads(whole: bytes) -> list[bytes]:
    return [payload for event in whole.split(b"\n\n") if (payload := _payload(event))]


def _payload(event: bytes) -> bytes:
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    lines = event.removeprefix(_BYTE_ORDER_MARK).split(b"\n")
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))
