"""The Unix socket: many clients, all of one user."""

import asyncio
import contextlib
import fcntl
import os
import socket
import stat
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from agentrouted.core.errors import Conflict, Storage
from agentrouted.server.link import Link
from agentrouted_protocol.rendezvous import lock_path

# Of `sun_path` in bytes, less the final NUL: 108 on Linux, 104 on macOS.
LONGEST_PATH: Final = 103
_BACKLOG: Final = 512


class Listening(NamedTuple):
    listener: socket.socket
    inode: int
    """Of the socket's file: another one under the same name is not ours."""


@contextlib.contextmanager
def own_socket(path: Path) -> Iterator[Listening]:
    """A listening socket at `path` that is ours alone, and gone again afterwards.

    Who holds the lock file's `flock` owns the socket: a ping can be answered by a daemon that is about to end, a pid
    can be somebody else's by now. Raises `Conflict` if another daemon has it, `Storage` if the folder can't be used.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise Storage(f"{path} is too long for a Unix socket", hint=f"{LONGEST_PATH} bytes at most: use --listen PATH")
    _prepare_folder(path.parent)
    with _lock(path):
        own = _bind(path)
        try:
            yield own
        finally:
            own.listener.close()
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == own.inode:
                    path.unlink()


async def listen(listener: socket.socket, make_link: Callable[[], Link]) -> asyncio.Server:
    """Serve each client of this user with a link of its own."""
    loop = asyncio.get_running_loop()
    return await loop.create_unix_server(lambda: _OwnUserOnly(make_link), sock=listener, backlog=_BACKLOG)


def peer_process(connection: socket.socket) -> tuple[int | None, int]:
    """The process id (None where the system does not tell) and user id at the other end."""
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        return pid, uid
    # macOS: LOCAL_PEERCRED of SOL_LOCAL (0) is a `struct xucred`: version, uid, … See unix(4).
    credentials = connection.getsockopt(0, 1, 128)
    return None, int(struct.unpack_from("=II", credentials)[1])


class _OwnUserOnly(asyncio.Protocol):
    """Looks at who is there before the link is."""

    def __init__(self, make_link: Callable[[], Link]) -> None:
        self._make_link = make_link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        pid, uid = peer_process(transport.get_extra_info("socket"))
        if uid != os.getuid():
            transport.abort()
            return
        link = self._make_link()
        link.peer_process = pid
        transport.set_protocol(link)
        link.connection_made(transport)


def _prepare_folder(folder: Path) -> None:
    """Make it, for us alone, if it is not there. Who may write to it could put in a socket of their own."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise Storage(f"{folder} can't be used: {error.strerror}", hint="use --listen PATH") from error
    is_shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
    if is_shared or status.st_uid not in (os.getuid(), 0):
        raise Storage(f"others can write to {folder}", hint="use --listen PATH, in a folder of your own")


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    # The lock file stays: if it were unlinked, two daemons could each lock one of that name.
    name = lock_path(path)
    try:
        descriptor = os.open(name, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Storage(f"{name} can't be opened: {error.strerror}", hint="use --listen PATH") from error
    try:
        _take(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _take(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Conflict(
            f"another daemon serves {path}", hint="join it (`agentrouted connect`) or end it (`agentrouted stop`)"
        ) from None


def _bind(path: Path) -> Listening:
    """Listen under a name of our own first, so that `path` is never there without somebody behind it."""
    listener = socket.socket(socket.AF_UNIX)
    temporary = path.with_name(f".{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        listener.bind(str(temporary))
        temporary.chmod(0o600)
        listener.listen(_BACKLOG)
        inode = temporary.stat().st_ino
        temporary.rename(path)
    except OSError as error:
        listener.close()
        raise Storage(f"{path} can't be listened on: {error.strerror}", hint="use --listen PATH") from error
    return Listening(listener, inode)
