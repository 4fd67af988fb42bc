"""`agentrouted stop`: ends the shared daemon."""

import argparse
import asyncio
import fcntl
import json
import os
import signal
import time
from pathlib import Path

from agentrouted.cli.door import CLIENT_NAME
from agentrouted.core.errors import Conflict
from agentrouted_client import Client, DaemonGone
from agentrouted_protocol.daemon import DaemonStatus
from agentrouted_protocol.rendezvous import lock_path

EXAMPLE = "agentrouted stop"

_SECONDS_TO_END = 10.0
_SECONDS_BETWEEN_LOOKS = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None but `--json`."""


def run(arguments: argparse.Namespace) -> int:
    status = asyncio.run(_status())
    if status:
        os.kill(status.pid, signal.SIGTERM)
        _wait_for_end(status)
    if arguments.json:
        print(json.dumps({"stopped": status.pid if status else None}))
    else:
        print(f"daemon {status.pid} has ended" if status else "no daemon is running")
    return 0


async def _status() -> DaemonStatus | None:
    try:
        async with Client.connect(client_name=CLIENT_NAME) as client:
            status: DaemonStatus = await client.request("daemon/status")
            return status
    except DaemonGone:
        return None


def _wait_for_end(status: DaemonStatus) -> None:
    """The process id does not tell: where nobody reaps it, it stays. The lock is free when the daemon has ended."""
    deadline = time.monotonic() + _SECONDS_TO_END
    with lock_path(Path(status.socket or "")).open() as lock:
        while not _is_free(lock.fileno()):
            if time.monotonic() > deadline:
                raise Conflict(f"daemon {status.pid} does not end", hint=f"kill -9 {status.pid}")
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def _is_free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
