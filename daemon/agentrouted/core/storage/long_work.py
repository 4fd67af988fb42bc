"""Work that locks the file for long: writers wait for its end."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from agentrouted.core.errors import Storage
from agentrouted.core.storage.locks import is_held


@contextlib.contextmanager
def long_work(path: Path) -> Iterator[None]:
    """Meanwhile, those who find the file locked are patient, in all processes. Raises `Storage` if another is at it."""
    mark = _mark(path)
    descriptor = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, path)
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def is_under_way(path: Path) -> bool:
    """Whether some process does long work on the file."""
    try:
        return is_held(_mark(path))
    except OSError:
        return False


def _lock(descriptor: int, path: Path) -> None:
    """The kernel drops it with the process, whatever ends it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Storage(f"The database {path} is being packed or erased", hint="try again in a while") from None


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.at-work")
