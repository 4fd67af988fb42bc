"""Calls for an event loop, from other threads."""

import asyncio
import contextvars
import weakref
from collections import deque
from collections.abc import Callable
from typing import Final


class Inbox:
    """Waking a loop costs more than the calls do: those that come together wake it once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # Whoever holds the inbox does not hold the loop: loops come and go with `asyncio.run`.
        self._loop = weakref.ref(loop)
        self._calls: deque[Callable[[], object]] = deque()
        self._is_waking = False
        # Tasks that a call begins do not see the context variables of whoever happened to wake the loop.
        self._context = contextvars.Context()

    def put(self, call: Callable[[], object]) -> None:
        """From any thread. Raises RuntimeError if the loop is closed."""
        self._calls.append(call)
        if not self._is_waking:
            self._is_waking = True
            loop = self._loop()
            if loop is None:
                raise RuntimeError("Event loop is closed")
            loop.call_soon_threadsafe(self._serve, context=self._context)

    def _serve(self) -> None:
        self._is_waking = False
        while self._calls:
            self._calls.popleft()()


_INBOXES: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Inbox]] = weakref.WeakKeyDictionary()


def inbox_here() -> Inbox:
    """Of the running loop."""
    loop = asyncio.get_running_loop()
    inbox = _INBOXES.get(loop)
    if inbox is None:
        inbox = _INBOXES[loop] = Inbox(loop)
    return inbox


def settle(future: "asyncio.Future[object]", task: "asyncio.Task[object]") -> None:
    """Give a future, on its own loop, the end of a task that has ended on another."""
    if future.done():
        return
    if task.cancelled():
        future.cancel()
    elif error := task.exception():
        future.set_exception(error)
        # Looked at, so that asyncio does not report it as lost where nobody waits any more.
        future.exception()
    else:
        future.set_result(task.result())
