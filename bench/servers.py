"""Servers started for a measurement, and channels to them."""

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.channel import INITIALIZE, RESOLVE, Channel
from bench.subjects import AGENTROUTED, CLIENTS


@contextmanager
def place() -> Iterator[Path]:
    """A folder with the canned answer: what our daemon says, so that all answers are of one size."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        where = Path(folder)
        with spawned(AGENTROUTED.over_stdio(where), where) as (channel, _):
            channel.ask(INITIALIZE)
            (where / "result.json").write_text(json.dumps(channel.ask(RESOLVE[0]), separators=(",", ":")))
        yield where


@contextmanager
def spawned(command: list[str], place: Path) -> Iterator[tuple[Channel, int]]:
    """A server over its stdin and stdout, and its process id; it has no config, no keys and no state."""
    with _started(command, place) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Channel(process.stdout.fileno(), process.stdin.fileno()), process.pid


@contextmanager
def joined(command: list[str], place: Path) -> Iterator[tuple[Channel, int]]:
    """A server that listens on `bench.sock`, and its process id."""
    path = place / "bench.sock"
    path.unlink(missing_ok=True)
    with _started(command, place) as process, socket.socket(socket.AF_UNIX) as connection:
        while not path.exists():
            assert process.poll() is None, f"{command[0]} has ended with {process.returncode}"
            time.sleep(0.01)
        connection.connect(str(path))
        yield Channel(connection.fileno(), connection.fileno()), process.pid


@contextmanager
def _started(command: list[str], place: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "XDG_RUNTIME_DIR": str(place),
        "NODE_PATH": str(CLIENTS),
    }
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
