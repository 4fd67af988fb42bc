"""Runs to be written down."""

from typing import Any

from agentrouted.core.journal.base import Journal, RunRecord, Step
from agentrouted_protocol.messages import Message


def record(run_id: str = "a", **more: Any) -> RunRecord:
    return RunRecord(run_id, fingerprint="f", params=more.pop("params", {"prompt": "hi"}), **more)


def event(seq: int) -> tuple[int, bytes]:
    return seq, b'{"seq":%d,"kind":"textDelta"}' % seq


def says(text: str) -> Message:
    return Message(role="assistant", content=text)


def events_from(first: int, last: int) -> Step:
    return Step(events=[event(seq) for seq in range(first, last + 1)])


async def a_run_that_ended(journal: Journal, run_id: str, **more: Any) -> None:
    await journal.begin(record(run_id, **more))
    journal.write(run_id, Step(events=[event(1)], messages=[(0, says(f"I am {run_id}"))]))
    await journal.end(run_id, "completed", {"runId": run_id}, None)
