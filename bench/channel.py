"""Raw frames over two descriptors: a client that costs little."""

import json
import os
import time
from typing import Any, Final

_FIRST_ID: Final = 100_000
_IDS: Final = 1000


def frame(message: dict[str, Any]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def request(id_: int, method: str, params: dict[str, Any]) -> bytes:
    return frame({"id": id_, "method": method, "params": params})


INITIALIZE: Final = request(_FIRST_ID, "initialize", {"processId": None, "rootUri": None, "capabilities": {}})
RESOLVE: Final = [request(_FIRST_ID + n, "resolveModel", {"model": "ollama/llama3"}) for n in range(_IDS)]
"""All of one length, as their answers are: so that answers can be counted by bytes."""

NEW: Final = [request(_FIRST_ID + n, "resolveModel", {"model": f"acme/model-{_FIRST_ID + n}"}) for n in range(_IDS)]
"""Each is another model, elsewhere: what is asked for the first time. All of one length, too."""


class Channel:
    """Blocking, unbuffered, and without a look at what comes once it is known how long an answer is."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self.answer_bytes = 0

    def ask(self, question: bytes) -> Any:
        """The result of one request. Remembers how many bytes the answer had."""
        self._write(question)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._read()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self._read()
        self.answer_bytes = len(head) + 4 + length
        return json.loads(body)["result"]

    def one_at_a_time(self, seconds: float) -> list[float]:
        """How long each round trip took, in microseconds."""
        now = time.perf_counter_ns
        taken: list[float] = []
        end = now() + int(seconds * 1e9)
        while (start := now()) < end:
            self._write(RESOLVE[len(taken) % _IDS])
            missing = self.answer_bytes
            while missing:
                missing -= len(self._read())
            taken.append((now() - start) / 1000)
        return taken

    def in_flight(self, seconds: float, window: int) -> tuple[int, float]:
        """How many requests were answered, and in how many seconds, with `window` of them under way all the time."""
        start, sent, waiting, unread = time.perf_counter(), 0, 0, 0
        running = True
        while running or waiting:
            if running and waiting < window:
                first = sent % (_IDS - window)
                questions = RESOLVE[first : first + window - waiting]
                self._write(b"".join(questions))
                sent, waiting = sent + len(questions), window
            answered, unread = divmod(unread + len(self._read()), self.answer_bytes)
            waiting -= answered
            running = time.perf_counter() - start < seconds
        return sent, time.perf_counter() - start

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._write_fd, data) :]

    def _read(self) -> bytes:
        data = os.read(self._read_fd, 1 << 20)
        if not data:
            raise EOFError("the server has closed the connection")
        return data
