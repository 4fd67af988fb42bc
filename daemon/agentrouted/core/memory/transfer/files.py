"""Files that memory goes to and comes from."""

import os
from pathlib import Path

from agentrouted.core.errors import InvalidParams, Storage


def absolute(path: str) -> Path:
    if not Path(path).is_absolute() or "\0" in path:
        raise InvalidParams(
            "`path` has to be absolute, and without NUL", hint="the daemon is in another folder than you"
        )
    return Path(path)


def file_at(path: Path) -> Path:
    """Where links lead. Raises `Storage` for what is no file: a pipe may never have an end, and what is written would
    take the place of a device.
    """
    file = Path(os.path.realpath(path))
    try:
        if file.is_symlink() or (file.exists() and not file.is_file()):
            raise Storage(f"{path} is no file", hint="name one; without a `path`, memory comes and goes as `text`")
    except OSError as error:
        raise cannot(path, error) from error
    return file


def file_to_write(path: Path, database: Path) -> Path:
    """The same, and none of those in which all is kept."""
    file = file_at(path)
    if file.parent == Path(os.path.realpath(database.parent)) and file.name.startswith(database.name):
        raise InvalidParams(f"{path} is where memory is kept", hint="name another file")
    return file


def cannot(path: Path, error: OSError) -> Storage:
    return Storage(f"{path}: {error.strerror}", hint="see whether it is there, and whether you may use it")
