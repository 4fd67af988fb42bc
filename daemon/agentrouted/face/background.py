"""The core, at work for all of a program's threads."""

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

from agentrouted.core.agent.runs import Runs
from agentrouted.core.config.environment import EnvironmentNow
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.config.store import ConfigStore
from agentrouted.core.services import Services, services_in
from agentrouted.face.inbox import Inbox, inbox_here, settle

_Result = TypeVar("_Result")

_SECONDS_TO_END: Final = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Core:
    services: Services
    runs: Runs


class Background:
    """One thread with one event loop, and on it the core: one HTTP client, whoever asks and how often."""

    def __init__(self) -> None:
        self._environment = EnvironmentNow()
        environment = self._environment.read()
        self._config = ConfigStore(environment)
        self._tell_problems()
        # The money of a person is one, whoever spends it; without budgets a program keeps no ledger.
        services = services_in(environment, self._config, lambda: bool(self._config.current.config.budgets))
        # Without a journal: a run of a program ends with it.
        self._core = Core(services, Runs(services))
        self._loop = asyncio.new_event_loop()
        self._inbox = Inbox(self._loop)
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._serve, name="agentrouted", daemon=True)
        self._thread.start()

    def snapshot(self) -> Snapshot:
        """The configuration, as files and environment are now."""
        before = self._config.current
        if self._config.look(self._environment.read()) is not before:
            self._tell_problems()
        return self._config.current

    def start(self, work: Callable[[Core], Coroutine[Any, Any, _Result]]) -> "Job[_Result]":
        """Begin `work` there, under the configuration as it is now. May be called from any event loop."""
        self.snapshot()
        return Job(self._inbox, self._tasks, partial(work, self._core))

    def end(self) -> None:
        """Cancel what runs, and close what is open."""
        self._inbox.put(self._stop.set)
        self._thread.join(_SECONDS_TO_END)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        await self._stop.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._core.runs.aclose()
        await self._core.services.aclose()

    def _tell_problems(self) -> None:
        for problem in self._config.current.problems:
            logger.warning("%s: %s", problem.file, problem.message)


class Job(Generic[_Result]):
    """A coroutine on the background's loop. Make it on the loop that waits for it."""

    def __init__(
        self, inbox: Inbox, tasks: set[asyncio.Task[Any]], work: Callable[[], Coroutine[Any, Any, _Result]]
    ) -> None:
        self._inbox = inbox
        self._tasks = tasks
        self._work = work
        self._home = inbox_here()
        self._future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        inbox.put(self._begin)

    async def result(self) -> _Result:
        """Wait for the end without blocking this loop. Whoever stops waiting does not stop the work."""
        result: _Result = await asyncio.shield(self._future)
        return result

    def when_done(self, tell: Callable[[], object]) -> None:
        """Call `tell` on this loop, however it ends."""
        self._future.add_done_callback(lambda _: tell())

    def cancel(self) -> None:
        """Its result then says what it has done until now, if it is one that can."""
        # A task that is cancelled before its first step has no chance to say so: hence one tick later.
        with suppress(RuntimeError):  # the program ends, and all runs with it
            self._inbox.put(lambda: asyncio.get_running_loop().call_soon(self._task.cancel))

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work())
        self._tasks.add(self._task)
        self._task.add_done_callback(self._end)

    def _end(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._home.put(partial(settle, self._future, task))


def background() -> Background:
    """The one of this process: started when it is first needed, in a forked child anew, ended with the program."""
    with _OF_PROCESS.lock:
        if _OF_PROCESS.background is None:
            _OF_PROCESS.background = Background()
            _OF_PROCESS.at_end()
        return _OF_PROCESS.background


async def in_background(work: Callable[[Core], Coroutine[Any, Any, _Result]]) -> _Result:
    """Do `work` there and wait for it. Whoever is cancelled waiting cancels the work."""
    job = background().start(work)
    try:
        return await job.result()
    except asyncio.CancelledError:
        job.cancel()
        raise


class _OfProcess:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.background: Background | None = None
        self._left_behind: list[Background] = []
        self._is_told = False

    def at_end(self) -> None:
        if not self._is_told:
            self._is_told = True
            atexit.register(self._end)
            os.register_at_fork(after_in_child=self._forget)

    def _end(self) -> None:
        if self.background is not None:
            self.background.end()

    def _forget(self) -> None:
        # The thread is not in the child, and its sockets are the parent's: they are neither used nor closed.
        self.lock = threading.Lock()
        if self.background is not None:
            self._left_behind.append(self.background)
            self.background = None


_OF_PROCESS = _OfProcess()
