"""The journal in memory, where there is no file for it."""

import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agentrouted.core.errors import Conflict, NotFound
from agentrouted.core.journal.base import Page, RunRecord, Step, StoredRun
from agentrouted.core.journal.common import Retention, cursor_number, iso_time
from agentrouted.core.journal.pieces import decode, encode
from agentrouted_protocol.messages import Message, Usage
from agentrouted_protocol.runs import RunStatus

_A_DAY: Final = Retention(seconds=86400, max_bytes=16 * 1024 * 1024)


@dataclass(slots=True)
class _Kept:
    record: RunRecord
    number: int
    created_at: float
    updated_at: float
    status: RunStatus = "running"
    usage: Usage = field(default_factory=Usage)
    events: deque[tuple[int, bytes]] = field(default_factory=deque)
    messages: dict[int, tuple[int, Message]] = field(default_factory=dict)
    calls_begun: set[str] = field(default_factory=set)
    last_seq: int = 0
    state: bytes = b"{}"
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    bytes: int = 0


class VolatileJournal:
    """Keeps runs as long as the process lives, and no more than fit in `retention`."""

    def __init__(self, reason: str | None = None, retention: Retention = _A_DAY) -> None:
        self.reason = reason
        self._retention = retention
        self._runs: dict[str, _Kept] = {}
        # The oldest end first.
        self._ended: dict[str, _Kept] = {}
        self._begun = 0
        self._bytes = 0

    async def begin(self, record: RunRecord) -> None:
        if record.run_id in self._runs:
            raise Conflict(f"there is a run `{record.run_id}`", hint="use a new `runId`")
        self._begun += 1
        now = time.time()
        run = self._runs[record.run_id] = _Kept(record, self._begun, now, now)
        self._count(run, len(encode(record.params)))

    def write(self, run_id: str, step: Step) -> None:
        if (run := self._runs.get(run_id)) is None or run_id in self._ended:
            return
        run.updated_at = time.time()
        run.events.extend(step.events)
        run.last_seq = step.events[-1][0] if step.events else run.last_seq
        run.messages.update((place, (run.last_seq, message)) for place, message in step.messages)
        run.calls_begun.update(step.calls_begun)
        run.usage = step.usage or run.usage
        run.state = run.state if step.state is None else encode(step.state)
        size = sum(len(event) for _, event in step.events) + sum(len(encode(message)) for _, message in step.messages)
        self._count(run, size)

    async def flush(self, run_id: str | None = None) -> None:
        """It is as safe as it will be."""

    async def end(
        self, run_id: str, status: RunStatus, result: dict[str, Any] | None, error: dict[str, Any] | None
    ) -> None:
        if (run := self._runs.get(run_id)) is None or run_id in self._ended:
            return
        run.status, run.result, run.error = status, result, error
        run.updated_at = time.time()
        self._count(run, len(encode(result or error)))
        self._ended[run_id] = run
        await self.prune(run.updated_at)

    async def reopen(self, run_id: str) -> None:
        run = self._runs.get(run_id)
        if run is None:
            raise NotFound(f"there is no run `{run_id}`")
        if run.status != "interrupted":
            said = "is running already" if run.status == "running" else f"has ended: it is {run.status}"
            raise Conflict(f"run `{run_id}` {said}", hint="only an interrupted run can go on")
        run.status, run.result, run.error = "running", None, None
        del self._ended[run_id]

    async def load(self, run_id: str) -> StoredRun | None:
        run = self._runs.get(run_id)
        return _stored(run) if run else None

    async def events(self, run_id: str, after_seq: int) -> list[bytes]:
        run = self._runs.get(run_id)
        return [event for seq, event in run.events if seq > after_seq] if run else []

    async def page(self, *, status: RunStatus | None, session_id: str | None, limit: int, cursor: str | None) -> Page:
        before = cursor_number(cursor)
        found = [
            run
            for run in reversed(self._runs.values())
            if status in {None, run.status}
            and session_id in {None, run.record.session_id}
            and (before is None or run.number < before)
        ]
        next_cursor = str(found[limit - 1].number) if len(found) > limit else None
        return Page(tuple(_summary(run) for run in found[:limit]), next_cursor)

    async def prune(self, now: float) -> None:
        while self._ended:
            run_id, run = next(iter(self._ended.items()))
            if run.updated_at >= now - self._retention.seconds and self._bytes <= self._retention.max_bytes:
                return
            del self._runs[run_id], self._ended[run_id]
            self._bytes -= run.bytes

    async def aclose(self) -> None:
        self._runs.clear()

    def _count(self, run: _Kept, size: int) -> None:
        run.bytes += size
        self._bytes += size
        # Ended runs go first, when the next one ends; a single run that fills it all loses its oldest events.
        while run.events and run.bytes > self._retention.max_bytes:
            _, event = run.events.popleft()
            run.bytes -= len(event)
            self._bytes -= len(event)


def _summary(run: _Kept, **more: Any) -> StoredRun:
    return StoredRun(
        replace(run.record, params=more.pop("params", {})),
        status=run.status,
        created_at=iso_time(run.created_at),
        updated_at=iso_time(run.updated_at),
        usage=run.usage,
        last_seq=run.last_seq,
        **more,
    )


def _stored(run: _Kept) -> StoredRun:
    return _summary(
        run,
        params=run.record.params,
        messages=tuple(run.messages[place] for place in sorted(run.messages)),
        calls_begun=frozenset(run.calls_begun),
        state=decode(run.state),
        result=run.result,
        error=run.error,
    )
