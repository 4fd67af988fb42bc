"""`agentrouted connect`: stdio to the shared daemon."""

# Standard library only: editors launch this each time, and it must be up in a blink.

import contextlib
import os
import re
import select
import socket
import sys
import threading
import time
from pathlib import Path

_START_SECONDS = 15.0
_OTHER_SECONDS = 3.0
_CHUNK = 65536
_TAIL = 4096
# A request or notification of this name, as a whole message: what stands deeper in one does not count.
_MESSAGE = rb'\n\s*\{[^{}]*"method"\s*:\s*"%b"'
_SHUTDOWN = re.compile(_MESSAGE % b"shutdown")
_EXIT = re.compile(_MESSAGE % b"exit")


def bridge(path: Path, config: str | None) -> int:
    """Join the daemon at `path`, starting it if nobody is there, and carry bytes both ways until one side ends.

    The exit code is that of a daemon of the client's own: 0 after `shutdown`, else 1.
    """
    connection = _connect(path) or _start_and_connect(path, config)
    if connection is None:
        return 1
    client = _Input(connection)
    threading.Thread(target=client.pump, daemon=True).start()
    with contextlib.suppress(OSError):
        while data := connection.recv(_CHUNK):
            _write(1, data)
    if not client.has_left:
        _write(2, b"error: the shared daemon has closed the connection\nhint: `agentrouted logs` says why\n")
    return client.exit_code


class _Input:
    """What the client says, passed on; of its last words we keep what the exit code needs."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._tail = b""
        self._ended = False

    def pump(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(0, _CHUNK):
                self._tail = (self._tail + data)[-_TAIL:]
                self._connection.sendall(data)
            self._ended = True
            self._connection.shutdown(socket.SHUT_WR)

    @property
    def has_left(self) -> bool:
        return self._ended or _EXIT.search(self._tail) is not None

    @property
    def exit_code(self) -> int:
        has_said_nothing = self._ended and not self._tail
        return 0 if has_said_nothing or _SHUTDOWN.search(self._tail) else 1


def _connect(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return connection


def _start_and_connect(path: Path, config: str | None) -> socket.socket | None:
    """Two of us may do this at once: the daemon that does not get the lock ends, and both join the one that did."""
    # -P: modules that lie in the current folder stay out of it.
    command = [sys.executable, "-P", "-m", "agentrouted", "serve", "--listen", str(path)]
    complaints = _start(command if config is None else [*command, "--config", config])
    try:
        connection, said = _connect_when_up(path, complaints)
    finally:
        os.close(complaints)
    if connection is None:
        _write(2, said or f"error: no daemon came up at {path}\nhint: `agentrouted logs` says why\n".encode())
    return connection


def _start(command: list[str]) -> int:
    """Start a daemon that is nobody's child, so that who ends us with all our children does not end it.

    Returns its stderr, to be read and closed.
    """
    complaints, stderr = os.pipe()
    child = os.fork()
    if child == 0:
        _become(command, stderr)
    os.close(stderr)
    os.waitpid(child, 0)
    return complaints


def _become(command: list[str], stderr: int) -> None:
    """In a child of ours: leave the command behind, and go."""
    try:
        os.setsid()
        if os.fork() == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor, target in ((nothing, 0), (nothing, 1), (stderr, 2)):
                os.dup2(descriptor, target)
            os.execv(command[0], command)
    finally:
        os._exit(1)


def _connect_when_up(path: Path, complaints: int) -> tuple[socket.socket | None, bytes]:
    """A connection; without one, what the daemon that we started has said until it ended."""
    said = b""
    deadline = time.monotonic() + _START_SECONDS
    has_ended = False
    while time.monotonic() < deadline:
        if connection := _connect(path):
            return connection, said
        if has_ended:
            time.sleep(0.02)
        elif select.select([complaints], [], [], 0.02)[0]:
            data = os.read(complaints, _CHUNK)
            said += data
            if has_ended := not data:
                # Perhaps because another one has the lock, and that one may be just about to listen.
                deadline = min(deadline, time.monotonic() + _OTHER_SECONDS)
    return None, said if has_ended else b""


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
