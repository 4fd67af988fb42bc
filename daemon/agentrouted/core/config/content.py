"""The text of a file that may not be there, or not be text."""

import re
import stat
from dataclasses import dataclass
from pathlib import Path

from agentrouted_protocol.config import Problem

MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Content:
    """Equal if the file says the same."""

    text: str | None
    """None where there is no such file, or it could not be read."""

    problem: Problem | None = None


def read_content(path: Path | None) -> Content:
    """Read a file of the user's; whatever is in the way becomes a problem."""
    if path is None:
        return Content(None)
    try:
        return _decoded(_bytes(path), path)
    except FileNotFoundError:
        return Content(None)
    except _Unusable as error:
        return _unread(path, str(error))
    except OSError as error:
        return _unread(path, f"cannot be read: {error.strerror}")


class _Unusable(Exception):
    pass


def _bytes(path: Path) -> bytes:
    found = path.stat()
    # Opening a pipe would wait for a writer, for ever.
    if not stat.S_ISREG(found.st_mode):
        raise _Unusable("is not a regular file")
    if found.st_size > MAX_BYTES:
        raise _Unusable(f"is larger than {MAX_BYTES // 1024} KiB")
    return path.read_bytes()


def _decoded(raw: bytes, path: Path) -> Content:
    try:
        return Content(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _unread(path, f"is not UTF-8: see line {line}")


def _unread(path: Path, why: str) -> Content:
    return Content(None, Problem(message=f"the file {why}", file=str(path)))


def keys_in(text: str) -> frozenset[str]:
    """All that may be a key, in lower case, of a file that need not be YAML."""
    return frozenset(key.casefold() for key in re.findall(r"""([^\s"'{}\[\],#]+)["']?\s*:(?=\s|$)""", text))
