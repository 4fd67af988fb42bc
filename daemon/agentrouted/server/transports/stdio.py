"""stdin and stdout, whatever they are."""

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Callable

from agentrouted.server.link import Link

_READ_BYTES = 64 * 1024


async def open_stdio(link: Link, read_fd: int, write_fd: int) -> None:
    """Connect a link to two file descriptors, which are its own from now on."""
    if _is_one_socket(read_fd, write_fd):
        both = socket.socket(fileno=write_fd)
        await asyncio.get_running_loop().create_connection(lambda: link, sock=both)
        return
    await _open_output(link, write_fd)
    feed = _feeder(link)
    if _is_pollable(read_fd):
        _read_on_loop(read_fd, feed)
    else:
        # epoll refuses files and /dev/null; a thread that is a daemon never holds up the exit.
        loop = asyncio.get_running_loop()
        threading.Thread(target=_read_in_thread, args=(loop, read_fd, feed), daemon=True, name="stdin").start()


def _is_one_socket(read_fd: int, write_fd: int) -> bool:
    """As inetd and socat have it. asyncio's write pipe would take bytes that come in on it for a hang-up."""
    return stat.S_ISSOCK(os.fstat(write_fd).st_mode) and os.path.sameopenfile(read_fd, write_fd)


def _feeder(link: Link) -> Callable[[bytes], None]:
    def feed(data: bytes) -> None:
        if data:
            link.data_received(data)
        else:
            link.eof_received()

    return feed


def _is_pollable(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _read_on_loop(fd: int, feed: Callable[[bytes], None]) -> None:
    loop = asyncio.get_running_loop()

    def readable() -> None:
        # Readable means that this does not wait, so the descriptor can stay as its other holders know it: blocking.
        try:
            data = _read(fd)
        except BlockingIOError:
            return
        if not data:
            loop.remove_reader(fd)
        feed(data)

    loop.add_reader(fd, readable)


def _read_in_thread(loop: asyncio.AbstractEventLoop, fd: int, feed: Callable[[bytes], None]) -> None:
    taken = threading.Event()

    def take(data: bytes) -> None:
        taken.set()
        feed(data)

    data = b"-"
    while data:
        data = _read(fd)
        taken.clear()
        loop.call_soon_threadsafe(take, data)
        taken.wait()


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, _READ_BYTES)
    except (ConnectionError, BlockingIOError):
        return b""


async def _open_output(link: Link, fd: int) -> None:
    if _is_pollable(fd):
        loop = asyncio.get_running_loop()
        await loop.connect_write_pipe(lambda: link, os.fdopen(fd, "wb", buffering=0))
    else:
        link.connection_made(_FileTransport(fd, link))


class _FileTransport(asyncio.WriteTransport):
    """Output to a file, a terminal or /dev/null: these always take what they are given."""

    def __init__(self, fd: int, link: Link) -> None:
        super().__init__()
        self._fd = fd
        self._link = link
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        while view and not self._closing:
            try:
                view = view[os.write(self._fd, view) :]
            except OSError:
                self.close()

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._link.connection_lost, None)

    def abort(self) -> None:
        self.close()
