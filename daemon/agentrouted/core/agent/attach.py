"""Following a run that is under way, or has been."""

from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from agentrouted.core.agent.life import refuse_elsewhere
from agentrouted.core.agent.live import Run
from agentrouted.core.agent.runs import Runs
from agentrouted.core.host import Host, HostGone
from agentrouted.core.journal.base import StoredRun
from agentrouted.core.key_source import FetchedKey
from agentrouted_protocol.client_requests import (
    SecretGetParams,
    ToolApproveParams,
    ToolApproveResult,
    ToolCallParams,
    ToolCallResult,
)
from agentrouted_protocol.events import Event, RunEvent

_EVENT: TypeAdapter[Any] = TypeAdapter(RunEvent, config=ConfigDict(defer_build=True))


@dataclass(frozen=True, slots=True)
class Attached:
    """A run that `host` has caught up with, and follows if it is still under way."""

    stored: StoredRun
    run: Run | None
    last_seq: int
    gap: bool
    """Whether events between `after_seq` and the first that was replayed are no longer kept."""


async def attach(runs: Runs, run_id: str, after_seq: int, host: Host) -> Attached:
    """Tell `host` all events after `after_seq`, then those that come: none twice, none left out.

    Open questions go to it, if it takes such. Raises `NotFound`, and `Conflict` for one that another daemon runs.
    """
    run = runs.find(run_id)
    gate = _Gate(host)
    if run is not None:
        run.audience.add(gate)
    stored = await runs.stored(run_id)
    if run is None:
        refuse_elsewhere(stored)
    replayed = await runs.events(run_id, after_seq)
    if run is not None:
        # What was just read is not to come a second time.
        run.context.emitter.release()
    first, last = after_seq + 1, after_seq
    for encoded in replayed:
        event = _EVENT.validate_json(encoded)
        first, last = (event.seq, event.seq) if last == after_seq else (first, event.seq)
        host.emit(event)
    gate.open(last)
    if run is not None:
        run.audience.replace(gate, host)
    kept = last if replayed else stored.last_seq
    gap = first > after_seq + 1 or after_seq > kept or (not replayed and after_seq < kept)
    return Attached(stored, run, kept, gap)


class _Gate:
    """Stands for a host until it has caught up: holds back what happens in the meantime, and is asked nothing."""

    takes_tools = False
    takes_approvals = False
    takes_secrets = False

    def __init__(self, host: Host) -> None:
        self._host = host
        self._held: list[Event] = []

    @property
    def ready(self) -> bool:
        return self._host.ready

    def emit(self, event: Event) -> None:
        self._held.append(event)

    async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
        raise HostGone("it has not come yet")

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        raise HostGone("it has not come yet")

    async def get_secret(self, params: SecretGetParams) -> FetchedKey | None:
        raise HostGone("it has not come yet")

    def open(self, last_seq: int) -> None:
        for event in self._held:
            if event.seq > last_seq:
                self._host.emit(event)
