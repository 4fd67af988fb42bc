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
    """By `seq`, each the JSON of its event."""

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
    """The newest first, without messages, result and error."""

    next_cursor: str | None = None


class Journal(Protocol):
    """Keeps runs. Raises `Storage` when it cannot; nothing else.

    `write` returns at once, and keeps the order; `flush` returns when all that was written before it would outlive a
    `kill -9`. Runs of a process that is gone have the status `interrupted`.
    """

    async def begin(self, record: RunRecord) -> None:
        """Raises `Conflict` if there is a run with this id."""

    def write(self, run_id: str, step: Step) -> None: ...

    async def flush(self) -> None: ...

    async def end(
        self, run_id: str, status: RunStatus, result: dict[str, Any] | None, error: dict[str, Any] | None
    ) -> None:
        """After all that was written. Durable when it returns."""

    async def reopen(self, run_id: str) -> None:
        """An interrupted run goes on in this process. Raises `Conflict` if it does so elsewhere."""

    async def load(self, run_id: str) -> StoredRun | None: ...

    async def events(self, run_id: str, after_seq: int) -> list[bytes]:
        """Those after `after_seq`, in order; fewer than there were if the retention has taken some."""

    async def page(
        self, *, status: RunStatus | None, session_id: str | None, limit: int, cursor: str | None
    ) -> Page: ...

    async def aclose(self) -> None: ...
