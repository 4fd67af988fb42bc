"""The text of a file that may not be there, or not be text."""

import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from agentrouted_protocol.config import Problem

MAX_BYTES = 1024 * 1024
MAX_UNTRUSTED_BYTES = 64 * 1024

SAVING_LOOKS = 10
SAVING_PAUSE = 0.02
"""Seconds between two looks at a file that is empty or gone, and may be in the middle of being saved."""

T = TypeVar("T")


@dataclass(frozen=True)
class Content:
    """Equal if the file says the same."""

    text: str | None
    """None where there is no such file, or it could not be read."""

    problem: Problem | None = None

    def is_emptied(self, before: "Content") -> bool:
        """True if it says nothing now, and said something before."""
        return bool(before.text and not (self.text or self.problem))


def saved(read: Callable[[], T], is_emptied: Callable[[T], bool]) -> T:
    """What `read` finds. Some programs empty or remove a file before they write it anew: nobody wishes for nothing."""
    found = read()
    for _ in range(SAVING_LOOKS):
        if not is_emptied(found):
            break
        time.sleep(SAVING_PAUSE)
        found = read()
    return found


def read_content(path: Path | None) -> Content:
    """Read a file of the user's; whatever is in the way becomes a problem."""
    return _read(path, _bytes) if path else Content(None)


def read_untrusted(path: Path) -> Content:
    """The same of a file that anybody may have put there: it leads nowhere else, and waits for nobody."""
    return _read(path, _untrusted_bytes)


def _read(path: Path, read: Callable[[Path], bytes]) -> Content:
    try:
        return _decoded(read(path), path)
    except FileNotFoundError:
        return Content(None)
    except _LeftAside as error:
        return _unread(path, f"{error}, and is left aside", "warning")
    except _Unusable as error:
        return _unread(path, str(error))
    except OSError as error:
        return _unread(path, f"cannot be read: {error.strerror}")


class _Unusable(Exception):
    pass


class _LeftAside(Exception):
    pass


def _untrusted_bytes(path: Path) -> bytes:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError from error
    except OSError as error:
        # Nobody knows whether it is there: some systems keep whole folders from programs.
        raise _LeftAside(f"cannot be looked for: {error.strerror}") from error
    if found.st_uid not in (os.geteuid(), 0):
        raise _LeftAside("belongs to another user of this machine")
    if stat.S_ISLNK(found.st_mode):
        raise _Unusable("is a symbolic link, which is not followed here")
    _refuse_irregular(found, MAX_UNTRUSTED_BYTES)
    # It may have become something else since: a link is not followed, a pipe not waited for, what has grown is cut.
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123 - of a number
        _refuse_irregular(os.fstat(file.fileno()), MAX_UNTRUSTED_BYTES)
        return file.read(MAX_UNTRUSTED_BYTES)


def _bytes(path: Path) -> bytes:
    _refuse_irregular(path.stat(), MAX_BYTES)
    return path.read_bytes()


def _refuse_irregular(found: os.stat_result, most: int) -> None:
    # Opening a pipe would wait for a writer, for ever.
    if not stat.S_ISREG(found.st_mode):
        raise _Unusable("is not a regular file")
    if found.st_size > most:
        raise _Unusable(f"is larger than {most // 1024} KiB")


def _decoded(raw: bytes, path: Path) -> Content:
    try:
        return Content(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _unread(path, f"is not UTF-8: see line {line}")


def _unread(path: Path, why: str, severity: Literal["error", "warning"] = "error") -> Content:
    return Content(None, Problem(message=f"the file {why}", severity=severity, file=str(path)))


def keys_in(text: str) -> frozenset[str]:
    """All that may be a key, in lower case, of a file that need not be YAML."""
    return frozenset(key.casefold() for key in re.findall(r"""([^\s"'{}\[\],#]+)["']?\s*:(?=\s|$)""", text))
