"""What SQLite and the disk complain of, as our errors."""

import errno
import sqlite3
from pathlib import Path
from typing import Final

from agentrouted.core.errors import Storage

_FULL: Final = ("the disk is full", "make room there; what was kept is whole, and later writes will work again")
_READ_ONLY: Final = ("the file or its folder cannot be written", "make them writable for you, or name another folder")
_DAMAGED: Final = (
    "the file is damaged, or no database of ours",
    "move it away to begin with a new one; it is left as it is",
)
_BUSY: Final = ("another program has kept the file locked", "end the program that does, or try again")

_BY_CODE: Final = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
}
_BY_ERRNO: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
    errno.EROFS: _READ_ONLY,
}


def storage_fault(error: sqlite3.Error | OSError, path: Path) -> Storage:
    """Says what is wrong with the file at `path`, and what to do."""
    if isinstance(error, OSError):
        known = _BY_ERRNO.get(error.errno or 0)
        name = error.strerror or type(error).__name__
    else:
        known = _BY_CODE.get(_code(error))
        name = f"{error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
    said, hint = known or (name, "see whether the disk is in order and has room")
    return Storage(f"The database {path}: {said}", hint=hint)


def is_busy(error: Exception) -> bool:
    """Whether another process had the file locked, and nothing was tried."""
    return isinstance(error, sqlite3.Error) and _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _code(error: sqlite3.Error) -> int:
    # The lower byte; the upper ones tell variants apart. Errors of Python's own have none.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def closed_fault(path: Path) -> Storage:
    return Storage(f"The database {path} has been closed", hint="the daemon is ending: start it again")
