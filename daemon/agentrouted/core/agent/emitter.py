"""A run's events: numbered, and text gathered."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pydantic_core import to_json

from agentrouted.core.agent.recorder import Recorder
from agentrouted.core.host import Host
from agentrouted.core.wire.base import CallArguments, CallStart, Chunk, ReasoningChunk, TextChunk
from agentrouted_protocol import events

_Delta = TextChunk | ReasoningChunk | CallArguments


class Emitter:
    """Numbers events densely from 1, writes them down, and hands them to the host.

    Text that came with one read leaves as one delta; while the host is not ready, text waits for the next event, so
    that a slow reader gets fewer deltas and never a gap. With `stream` off there are only whole steps.
    """

    def __init__(
        self,
        run_id: str,
        host: Host,
        *,
        stream: bool,
        parent_run_id: str | None = None,
    ) -> None:
        self.last_seq = 0
        self.recorder: Recorder | None = None
        self._run_id = run_id
        self._host = host
        self._stream = stream
        self._parent_run_id = parent_run_id
        self._waiting: list[_Delta] = []
        self._begun: set[str] = set()
        self._holds = False
        self._held: list[events.Event] = []

    def emit(self, make: type[events.Event], **fields: Any) -> None:
        self._flush()
        self._send(make, **fields)

    def begin_call(self, call_id: str, name: str) -> None:
        """Tell of a tool call, once: as soon as the model writes it, or when it is made."""
        if call_id not in self._begun:
            self._begun.add(call_id)
            self.emit(events.ToolCallStart, call_id=call_id, name=name)

    def hold(self) -> None:
        """Keep what comes until `release`, where it is written down: nobody is told of what a crash would undo."""
        self._holds = self.recorder is not None

    def release(self) -> None:
        self._holds = False
        held, self._held = self._held, []
        for event in held:
            self._host.emit(event)

    def chunks(self, batch: Sequence[Chunk]) -> None:
        """Pass on what one read of the provider brought."""
        if not self._stream:
            return
        for chunk in batch:
            if isinstance(chunk, CallStart):
                self.begin_call(chunk.call_id, chunk.name)
            elif isinstance(chunk, _Delta):
                self._waiting.append(chunk)
        if self._host.ready:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for (kind, call_id), group in groupby(waiting, _belongs_to):
            text = "".join(chunk.text for chunk in group)
            if kind is CallArguments:
                self._send(events.ToolCallArguments, call_id=call_id, text=text)
            else:
                self._send(events.TextDelta if kind is TextChunk else events.ReasoningDelta, text=text)

    def _send(self, make: type[events.Event], **fields: Any) -> None:
        self.last_seq += 1
        event = make(run_id=self._run_id, seq=self.last_seq, parent_run_id=self._parent_run_id, **fields)
        if self.recorder is not None:
            self.recorder.event(self.last_seq, to_json(event, by_alias=True, exclude_none=True))
        if self._holds:
            self._held.append(event)
        else:
            self._host.emit(event)


def _belongs_to(chunk: _Delta) -> tuple[type[_Delta], str]:
    return type(chunk), chunk.call_id if isinstance(chunk, CallArguments) else ""
