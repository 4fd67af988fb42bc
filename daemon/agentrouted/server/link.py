"""One connection's bytes: frames in, bounded writes out."""

import asyncio
import logging
from typing import Final, Protocol

from agentrouted.server.envelope import LIMITS
from agentrouted.server.framing import Fault, FrameReader, encode_frame

logger = logging.getLogger(__name__)

_LINGER_SECONDS: Final = 30.0


class Receiver(Protocol):
    """Who the link is for."""

    def receive(self, body: bytes) -> None: ...

    def refuse(self, fault: Fault) -> None:
        """Closes the link if the fault is fatal."""
        ...

    def input_ended(self) -> None: ...

    def closed(self) -> None: ...


class Link(asyncio.Protocol):
    """Frames to and from one transport. Everything sent in one tick leaves as one write.

    A peer that does not read is cut off once `outbound_hard_bytes` wait for it, so that it slows nobody else.
    """

    def __init__(self, unread: bytes = b"") -> None:
        self.peer_process: int | None = None
        """The process at the other end, where the system tells."""

        self._receiver: Receiver
        self._frames = FrameReader(header_bytes=LIMITS.header_bytes, message_bytes=LIMITS.message_bytes)
        self._unread = unread
        self._transport: asyncio.WriteTransport | None = None
        self._outgoing: list[bytes] = []
        self._outgoing_bytes = 0
        self._receiving = False
        self._gone = asyncio.Event()

    @property
    def queued_bytes(self) -> int:
        """Written by us, not yet taken by the peer."""
        waiting = self._transport.get_write_buffer_size() if self._transport else 0
        return waiting + self._outgoing_bytes

    @property
    def is_congested(self) -> bool:
        return self.queued_bytes > LIMITS.outbound_soft_bytes

    def attach(self, receiver: Receiver) -> None:
        """Say who this is for; once, before a transport is there."""
        self._receiver = receiver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio allocates a fresh 256 KiB buffer for each read, an mmap each time; 64 KiB stays on the heap.
        if hasattr(transport, "max_size"):
            transport.max_size = 64 * 1024
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        if self._unread:
            self.data_received(self._unread)
            self._unread = b""

    def data_received(self, data: bytes) -> None:
        self._receiving = True
        try:
            for frame in self._frames.feed(data):
                self._take(frame)
        finally:
            self._receiving = False
            self._flush()

    def eof_received(self) -> bool:
        if not self._frames.is_between_frames:
            logger.warning("the client closed in the middle of a message")
        self._receiver.input_ended()
        # Keep the way out open: what is in flight is cancelled and still answered.
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._gone.set()
        self._receiver.closed()

    async def wait_closed(self) -> None:
        """Until everything is written and the transport is closed."""
        await self._gone.wait()

    def send(self, body: bytes) -> None:
        """Send one message. After the connection is gone this does nothing."""
        self._queue(encode_frame(body))

    def send_line(self, body: bytes) -> None:
        """Send one message as a bare line, to a peer that speaks lines."""
        self._queue(body + b"\n")

    def close(self) -> None:
        """Close once everything sent has been taken."""
        self._flush()
        if self._transport is not None:
            self._transport.close()
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._abort)

    def _abort(self) -> None:
        """Who has not taken the last answers by now never will."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, frame: bytes | Fault) -> None:
        if isinstance(frame, Fault):
            self._receiver.refuse(frame)
        else:
            self._receiver.receive(frame)

    def _queue(self, data: bytes) -> None:
        if not self._outgoing and not self._receiving:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing.append(data)
        self._outgoing_bytes += len(data)

    def _flush(self) -> None:
        if not self._outgoing:
            return
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        self._outgoing_bytes = 0
        if self._transport is None or self._transport.is_closing():
            return
        # What waits already counts, not what comes now: one answer may be as large as a message may be.
        if self.queued_bytes > LIMITS.outbound_hard_bytes:
            logger.warning("a client left %d bytes unread: its connection is closed", self.queued_bytes)
            self._transport.abort()
            return
        self._transport.write(data)
