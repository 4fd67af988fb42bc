"""Logs: to a rotating file, and warnings to stderr."""

import contextlib
import logging
import logging.handlers
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FILE_BYTES: Final = 5 * 1024 * 1024
_LAST_SECONDS: Final = 0.2
_FORMAT: Final = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


@contextlib.contextmanager
def log_to_file(folder: Path, name: str) -> Iterator[None]:
    """Write the log to `<folder>/<name>.log` and warnings to stderr, from a thread of its own.

    An editor that does not read our stderr must not stop us. Without a folder that can be written, stderr is all.
    """
    handlers = [_stderr_handler(), *_file_handlers(folder, name)]
    entries: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(entries, *handlers, respect_handler_level=True)
    root = logging.getLogger()
    handler = logging.handlers.QueueHandler(entries)
    root.addHandler(handler)
    logging.raiseExceptions = False
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(handler)
        # What is left is written, unless stderr is full and nobody reads it.
        last = threading.Thread(target=listener.stop, daemon=True)
        last.start()
        last.join(_LAST_SECONDS)


def set_level(level: str) -> None:
    """How much of ours is logged. Libraries stay at warnings: they tell more, whole messages and addresses."""
    logging.getLogger("agentrouted").setLevel(level.upper())


def _stderr_handler() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("agentrouted: %(message)s"))
    return handler


def _file_handlers(folder: Path, name: str) -> list[logging.Handler]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            folder / f"{name}.log", maxBytes=_FILE_BYTES, backupCount=2, encoding="utf-8"
        )
        Path(handler.baseFilename).chmod(0o600)
    except OSError as error:
        os.write(2, f"agentrouted: no log file: {error}\n".encode())
        return []
    handler.setFormatter(logging.Formatter(_FORMAT))
    return [handler]
