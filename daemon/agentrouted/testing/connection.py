"""One HTTP/1.1 connection of the scripted upstream."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from agentrouted.testing.replies import Cut, Reply, Step


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """One request, as it came. Header names are in lower case; `body` is parsed JSON, or None."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    closed_early: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client closes the connection before it has the whole reply."""


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ahead = b""

    async def serve(self, answer: Callable[[Received], Reply]) -> None:
        """Answers requests until the client closes."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(self._writer):
            while True:
                request = await self._request()
                if not await self._sent(answer(request), request):
                    return

    async def _request(self) -> Received:
        head = self._ahead + await self._reader.readuntil(b"\r\n\r\n")
        self._ahead = b""
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Received(method, path, headers, json.loads(body) if body else None)

    async def _sent(self, reply: Reply, request: Received) -> bool:
        """Sends the reply while it watches whether the client is still there."""
        sending = asyncio.create_task(self._send(reply))
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done() and not self._ahead:
                raise ConnectionAbortedError
            await sending
            return True
        except ConnectionError:
            if Cut.RESET not in (reply.before, *reply.steps):
                request.closed_early.set()
            return False
        finally:
            for task in (sending, watching):
                task.cancel()
            await asyncio.gather(sending, watching, return_exceptions=True)

    async def _watch(self) -> None:
        # A byte that comes now is the next request's.
        with contextlib.suppress(ConnectionError):
            self._ahead = await self._reader.read(1)

    async def _send(self, reply: Reply) -> None:
        if reply.before:
            await self._take(reply.before)
        headers = {**reply.headers, "transfer-encoding": "chunked"}
        lines = (f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"HTTP/1.1 {reply.code} {_phrase(reply.code)}\r\n{''.join(lines)}\r\n".encode("latin-1"))
        for step in reply.steps:
            await self._take(step)
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def _take(self, step: Step) -> None:
        if isinstance(step, asyncio.Event):
            await step.wait()
        elif isinstance(step, Cut):
            self._reset()
        elif step:
            self._writer.write(b"%x\r\n%b\r\n" % (len(step), step))
            await self._writer.drain()

    def _reset(self) -> None:
        # Linger of zero seconds: the peer sees a reset, not an orderly end.
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        raise ConnectionResetError


def _phrase(code: int) -> str:
    return HTTPStatus(code).phrase if code in HTTPStatus._value2member_map_ else "Scripted"
