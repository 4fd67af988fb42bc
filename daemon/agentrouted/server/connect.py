"""`agentrouted connect`: stdio to the shared daemon."""

# Standard library only: editors launch this each time, and it must be up in a blink.

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

_START_SECONDS = 15.0
_OTHER_SECONDS = 3.0
_CHUNK = 65536


def bridge(path: Path, config: str | None) -> int:
    """Join the daemon at `path`, starting it if nobody is there, and carry bytes both ways until one side ends."""
    connection = _connect(path) or _start_and_connect(path, config)
    if connection is None:
        return 1
    threading.Thread(target=_pump_input, args=(connection,), daemon=True).start()
    with contextlib.suppress(OSError):
        while data := connection.recv(_CHUNK):
            _write(data)
    return 0


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
    import subprocess  # Only where a daemon has to be started: most often one is there.

    # -P: modules that lie in the current folder stay out of it.
    command = [sys.executable, "-P", "-m", "agentrouted", "serve", "--listen", str(path)]
    daemon = subprocess.Popen(
        command if config is None else [*command, "--config", config],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert daemon.stderr is not None
    with daemon.stderr as complaints:
        connection = _connect_when_up(path, lambda: daemon.poll() is not None)
        if connection is None:
            reason = complaints.read() if daemon.returncode is not None else b""
            os.write(2, reason or f"error: no daemon came up at {path}\nhint: `agentrouted logs` says why\n".encode())
        return connection


def _connect_when_up(path: Path, has_ended: Callable[[], bool]) -> socket.socket | None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if connection := _connect(path):
            return connection
        if has_ended():
            # Perhaps because another one has the lock, and that one may be just about to listen.
            deadline = min(deadline, time.monotonic() + _OTHER_SECONDS)
        time.sleep(0.02)
    return None


def _pump_input(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := os.read(0, _CHUNK):
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]
