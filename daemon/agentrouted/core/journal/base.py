"""What every journal of runs does: kept on disk or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentrouted_protocol.messages import Message, Usage
from agentrouted_protocol.runs import RunStatus


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it was begun. `params` is `RunAgentParams` in its wire form, without keys."""

    run_id: str
    fingerprint: str
    """Tells whether the same `runId` was begun with the same parameters."""

    params: dict[str, Any]
    agent: str | None = None
    model: str | None = None
    session_id: str | None = None
    parent_run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a run adds to its journal at one moment, all of it or none."""

    events: Sequence[tuple[int, bytes]] = ()
    """By `seq`, each the JSON of its event, on one line."""

    messages: Sequence[tuple[int, Message]] = ()
    """By place in the run's transcript, from 0. A place may be written again: the last one holds."""

    calls_begun: Sequence[str] = ()
    """Ids of tool calls that are about to be made: after a crash, their outcome is unknown."""

    usage: Usage | None = None
    """The bill so far."""

    state: dict[str, Any] | None = None
    """What else the run needs to go on, as JSON."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the journal has it."""

    record: RunRecord
    status: RunStatus
    created_at: str
    """Times are ISO 8601, UTC."""

    updated_at: str
    usage: Usage = field(default_factory=Usage)
    messages: tuple[tuple[int, Message], ...] = ()
    """In order of place; the number is the `seq` of the last event before it was written."""

    calls_begun: frozenset[str] = frozenset()
    last_seq: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    """`RunResult` in its wire form, if it has ended well or was cancelled."""

    error: dict[str, Any] | None = None
    """`ErrorObject` in its wire form, if it has failed."""


@dataclass(frozen=True, slots=True)
class Page:
    runs: tuple[StoredRun, ...]
    """The newest first, without params, messages, state, result and error."""

    next_cursor: str | None = None


class Journal(Protocol):
    """Keeps runs. Raises `Storage` when it cannot.

    `write` returns at once, and keeps the order; `flush` returns when all that was written before it would outlive a
    `kill -9`. What could not be kept is not lost while the process lives: it is tried again, before what comes after.
    Runs of a process that is gone have the status `interrupted`.
    """

    @property
    def reason(self) -> str | None:
        """Why runs are not kept on disk; None if they are."""

    async def begin(self, record: RunRecord) -> None:
        """Raises `Conflict` if there is a run with this id."""

    def write(self, run_id: str, step: Step) -> None:
        """Of a run that was begun or reopened here and has not ended; others are ignored."""

    async def flush(self, run_id: str | None = None) -> None:
        """Only this run's steps, or all. What nobody asks for waits for about a second, to be written together."""

    async def end(
        self, run_id: str, status: RunStatus, result: dict[str, Any] | None, error: dict[str, Any] | None
    ) -> None:
        """After all that was written. Durable when it returns."""

    async def reopen(self, run_id: str) -> None:
        """An interrupted run goes on in this process, and only here.

        Raises `NotFound`, or `Conflict` if it runs already or has ended.
        """

    async def load(self, run_id: str) -> StoredRun | None: ...

    async def events(self, run_id: str, after_seq: int) -> list[bytes]:
        """Those after `after_seq`, in order; fewer than there were if the retention has taken some."""

    async def page(self, *, status: RunStatus | None, session_id: str | None, limit: int, cursor: str | None) -> Page:
        """Raises `InvalidParams` for a cursor that is not from a page."""

    async def prune(self, now: float) -> None:
        """Forget ended runs that are too old at `now`, in seconds since 1970, then the oldest until the rest has room.

        It is done now and then without asking.
        """

    async def aclose(self) -> None: ...
