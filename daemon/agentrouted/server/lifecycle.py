"""When a daemon ends: signals, a parent that is gone."""

import asyncio
import os
import signal
from collections.abc import Callable, Collection
from typing import Final

from agentrouted.server.processes import is_alive

_POLL_SECONDS: Final = 1.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_on_signals(stop: Callable[[str], None]) -> None:
    """The first signal asks for an orderly end; the second ends at once."""

    def on_signal(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        stop(number.name)

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)


class ProcessWatch:
    """Calls back once when one of the watched processes has ended.

    `seen` was there before we could watch: if it is no longer, it has ended since.
    """

    def __init__(self, ended: Callable[[str], None], seen: Collection[int] = ()) -> None:
        self._ended = ended
        self._seen = seen
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, pid: int) -> None:
        """A process that was never there is not watched: its number is of another machine or container."""
        if pid > 0 and (pid in self._seen or is_alive(pid)):
            self._tasks.add(asyncio.get_running_loop().create_task(self._wait(pid)))

    async def _wait(self, pid: int) -> None:
        await _process_end(pid)
        self._ended(f"process {pid} has ended")

    def watch_parent(self, parent: int) -> None:
        """Unless it is process 1, which takes in orphans too: then there is no telling."""
        if os.getppid() != parent:
            self._ended("the parent has ended")
        elif parent != 1:
            self.watch(parent)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _process_end(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        while is_alive(pid):  # noqa: ASYNC110 - where there are no pidfds, nothing tells us
            await asyncio.sleep(_POLL_SECONDS)
        return
    try:
        await _readable(descriptor)
    finally:
        os.close(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_reader(descriptor, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(descriptor)
