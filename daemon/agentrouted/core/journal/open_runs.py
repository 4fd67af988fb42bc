"""The runs of this process, and what of them is not on disk."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from agentrouted.core.errors import Conflict, Storage
from agentrouted.core.journal.base import Step
from agentrouted.core.journal.pieces import encode
from agentrouted_protocol.runs import RunStatus

logger = logging.getLogger(__name__)

# Seconds that steps wait for others when nobody asks for them: a thousand deltas become few rows.
_GATHER: Final = 1.0

# So many steps of one run do not wait.
_ENOUGH: Final = 500


@dataclass(frozen=True, slots=True)
class Ending:
    status: RunStatus
    result: dict[str, Any] | None
    error: dict[str, Any] | None


class Written(NamedTuple):
    """One step, or the end, as it was given."""

    at: float
    last_seq: int
    step: Step = Step()
    state: bytes | None = None
    """The step's, as it was at that moment: the run goes on changing it."""

    ending: Ending | None = None


@dataclass(slots=True, eq=False)
class OpenRun:
    """Belongs to the loop, but for `row`, which the writer's thread sets before it needs it."""

    run_id: str
    row: int | None = None
    last_seq: int = 0
    written: list[Written] = field(default_factory=list)
    """Not on disk yet."""


Batch = Sequence[tuple[OpenRun, Sequence[Written]]]


class OpenRuns:
    """Gathers steps, and hands them to `save`: one batch at a time, for all runs that want it at that moment.

    What cannot be saved stays, and is tried again.
    """

    def __init__(self, save: Callable[[Batch], "asyncio.Future[None]"]) -> None:
        self._save = save
        self._runs: dict[str, OpenRun] = {}
        self._wanted: set[OpenRun] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._saving: asyncio.Future[None] | None = None
        self._later: asyncio.TimerHandle | None = None

    def enter(self, run_id: str) -> OpenRun:
        if run_id in self._runs:
            raise Conflict(f"run `{run_id}` is running already", hint="use a new `runId`")
        run = self._runs[run_id] = OpenRun(run_id)
        return run

    def leave(self, run_id: str) -> None:
        del self._runs[run_id]

    def write(self, run_id: str, step: Step) -> None:
        if run := self._runs.get(run_id):
            if step.events:
                run.last_seq = step.events[-1][0]
            state = None if step.state is None else encode(step.state)
            self._add(run, Written(time.time(), run.last_seq, step, state))

    def end(self, run_id: str, ending: Ending) -> None:
        if run := self._runs.get(run_id):
            self._add(run, Written(time.time(), run.last_seq, ending=ending))

    def unsaved_end(self, run_id: str) -> Ending | None:
        run = self._runs.get(run_id)
        return run.written[-1].ending if run and run.written else None

    async def flush(self, run_id: str | None = None) -> None:
        """Raises `Storage` if what this run has written, or all have, is still not saved."""
        runs = list(self._runs.values()) if run_id is None else [self._runs[run_id]] if run_id in self._runs else []
        if unsaved := [run for run in runs if run.written]:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            self._want(unsaved)
            await waiter

    async def aclose(self) -> None:
        """Saves all that is left, or raises `Storage`."""
        try:
            await self.flush()
        finally:
            if self._later is not None:
                self._later.cancel()

    def _add(self, run: OpenRun, written: Written) -> None:
        run.written.append(written)
        if len(run.written) >= _ENOUGH:
            self._want([run])
        else:
            self._want_later()

    def _want(self, runs: Sequence[OpenRun]) -> None:
        self._wanted.update(runs)
        if self._saving is None and self._wanted:
            self._save_wanted()

    def _want_later(self) -> None:
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(_GATHER, self._want_all)

    def _want_all(self) -> None:
        self._later = None
        self._want([run for run in self._runs.values() if run.written])

    def _save_wanted(self) -> None:
        # What was wanted may have been saved by the batch before.
        batch = [(run, run.written[:]) for run in self._wanted if run.written]
        waiting = self._waiting
        self._wanted, self._waiting = set(), []
        self._saving = self._save(batch)
        self._saving.add_done_callback(lambda saving: self._saved(saving, batch, waiting))

    def _saved(self, saving: "asyncio.Future[None]", batch: Batch, waiting: Sequence["asyncio.Future[None]"]) -> None:
        error = saving.exception()
        if error is None:
            self._forget(batch)
            _tell(waiting, None)
        elif isinstance(error, Storage):
            self._want_later()
            _tell(waiting, error)
        else:
            # A fault of ours in one of them. Without these runs, the others can still be saved.
            logger.error("the steps of %d runs", len(batch), exc_info=error)
            for run, _ in batch:
                self._runs.pop(run.run_id, None)
            _tell(waiting, Storage(f"internal error ({type(error).__name__})", hint="see `agentrouted logs`"))
        self._saving = None
        if self._wanted:
            self._save_wanted()

    def _forget(self, batch: Batch) -> None:
        for run, written in batch:
            del run.written[: len(written)]
            if written[-1].ending:
                self._runs.pop(run.run_id, None)


def _tell(waiting: Sequence["asyncio.Future[None]"], error: Storage | None) -> None:
    for waiter in waiting:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            # Each its own: a run writes its bill on the error that ends it.
            waiter.set_exception(Storage(error.message, hint=error.hint))
