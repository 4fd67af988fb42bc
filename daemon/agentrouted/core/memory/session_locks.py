"""Whose turn it is in a session, among processes."""

import asyncio
import fcntl
import os
from hashlib import blake2b
from pathlib import Path
from typing import Final

from agentrouted.core.storage.faults import storage_fault

# Seconds between two looks at whether another process has let go: nothing tells us.
_SHORTEST_WAIT: Final = 0.01
_LONGEST_WAIT: Final = 0.2


class SessionLocks:
    """A file beside the database, of which each session has one byte to lock.

    The kernel drops the locks with the process, whatever ends it. They hold between processes only: within
    one, the caller keeps runs apart. Without a `path` there is no other process.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._descriptor: int | None = None

    async def take(self, session_id: str) -> None:
        """Waits as long as another process has it. Raises `Storage` where the file cannot be used."""
        if self._path is None:
            return
        wait = _SHORTEST_WAIT
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            while not _is_taken(self._descriptor, _byte_of(session_id)):
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
        except OSError as error:
            raise storage_fault(error, self._path) from error

    def give(self, session_id: str) -> None:
        if self._descriptor is not None:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _byte_of(session_id))

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _is_taken(descriptor: int, place: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except (BlockingIOError, PermissionError):
        # POSIX leaves it open which of the two says that another has it.
        return False
    return True


def _byte_of(session_id: str) -> int:
    """A file has places for 63 bits; two sessions that share one wait for each other, and nothing worse."""
    return int.from_bytes(blake2b(session_id.encode("utf-8", "replace"), digest_size=7).digest())
