"""The log as clients see it: `window/logMessage`."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

from agentrouted.core.secrets import without_keys

_TYPES: Final = ((logging.ERROR, 1), (logging.WARNING, 2), (logging.INFO, 3), (logging.NOTSET, 4))
_TRACES: Final = {"off": logging.WARNING, "messages": logging.INFO, "verbose": logging.DEBUG}
_MOST: Final = 20
_SECONDS: Final = 1.0
_LONGEST: Final = 2000


class ClientLog(logging.Handler):
    """Tells one client what our loggers say (LSP 3.17, `LogMessageParams`): warnings, errors, and more with a trace.

    Loggers are used in any thread and in the midst of anything, sending included: so what they say is sent in the
    next tick of the loop. After `_MOST` entries in `_SECONDS` the others are only counted.
    """

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._told = self._left_out = 0

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Hear our loggers within the block. Not those of libraries: they tell whole messages."""
        ours = logging.getLogger("agentrouted")
        ours.addHandler(self)
        try:
            yield
        finally:
            ours.removeHandler(self)

    def trace(self, value: Any) -> None:
        """As `$/setTrace` and the `trace` of `initialize` have it; what can't be read changes nothing."""
        if isinstance(value, str) and value in _TRACES:
            self.setLevel(_TRACES[value])

    def tell(self, level: int, text: str) -> None:
        """To be called on the loop."""
        type_ = next(type_ for least, type_ in _TYPES if level >= least)
        # Half a surrogate pair, which bytes of the command line become, can't be sent.
        text = without_keys(text)[:_LONGEST].encode(errors="replace").decode()
        self._send({"type": type_, "message": text})

    def emit(self, record: logging.LogRecord) -> None:
        if self._told == _MOST:
            self._left_out += 1
            return
        self._told += 1
        # Once the loop has ended, there is nobody to tell.
        with contextlib.suppress(RuntimeError):
            if self._told == 1:
                self._loop.call_soon_threadsafe(self._loop.call_later, _SECONDS, self._start_again)
            self._loop.call_soon_threadsafe(self.tell, record.levelno, _text(record))

    def _start_again(self) -> None:
        # `emit` is called with the lock held.
        self.acquire()
        left_out, self._told, self._left_out = self._left_out, 0, 0
        self.release()
        if left_out:
            self.tell(logging.WARNING, f"{left_out} more entries are in the log: see `agentrouted logs`")


def _text(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info and record.exc_info[0]:
        # Not what the exception says, which may be anything.
        text = f"{text}: {record.exc_info[0].__name__}, see `agentrouted logs`"
    return text
