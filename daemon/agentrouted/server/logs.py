"""Logs: to a rotating file, and warnings to stderr."""

import asyncio
import contextlib
import logging
import logging.handlers
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_FILE_BYTES: Final = 5 * 1024 * 1024
_LAST_SECONDS: Final = 0.2
_MOST_WAITING: Final = 10_000
_FORMAT: Final = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


@contextlib.contextmanager
def log_to_file(folder: Path, name: str) -> Iterator[None]:
    """Write the log to `<folder>/<name>.log` and warnings to stderr, from a thread of its own.

    An editor that does not read our stderr must not stop us. Without a folder that can be written, stderr is all.
    """
    logging.raiseExceptions = False
    with contextlib.ExitStack() as stack:
        # A thread for each: what waits for stderr must not keep the file from being written.
        for handler in (_stderr_handler(), *_file_handlers(folder, name)):
            stack.enter_context(_from_a_thread(handler))
        yield


@contextlib.contextmanager
def _from_a_thread(handler: logging.Handler) -> Iterator[None]:
    entries: queue.Queue[logging.LogRecord] = queue.Queue(_MOST_WAITING)
    listener = logging.handlers.QueueListener(entries, handler)
    feed = logging.handlers.QueueHandler(entries)
    feed.setLevel(handler.level)
    root = logging.getLogger()
    root.addHandler(feed)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(feed)
        # What is left is written, unless nobody takes it.
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
        # Told on stderr, once its thread is there.
        asyncio.get_running_loop().call_soon(logger.warning, "no log file: %s", error)
        return []
    handler.setFormatter(logging.Formatter(_FORMAT))
    return [handler]
