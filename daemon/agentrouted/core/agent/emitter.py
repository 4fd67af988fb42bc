"""A run's events: numbered, and text gathered."""

from collections.abc import Sequence
from typing import Any

from agentrouted.core.host import Host
from agentrouted.core.wire.base import CallArguments, CallStart, Chunk, ReasoningChunk, TextChunk
from agentrouted_protocol import events


class Emitter:
    """Numbers events densely from 1 and hands them to the host.

    Text that came with one read leaves as one delta; while the host is not ready, text waits for the next event, so
    that a slow reader gets fewer deltas and never a gap. With `stream` off there are only whole steps.
    """

    def __init__(self, run_id: str, host: Host, *, stream: bool) -> None:
        self.last_seq = 0
        self._run_id = run_id
        self._host = host
        self._stream = stream
        self._waiting: list[TextChunk | ReasoningChunk] = []

    def emit(self, make: type[events.Event], **fields: Any) -> None:
        self._flush()
        self._send(make, **fields)

    def chunks(self, batch: Sequence[Chunk]) -> None:
        """Pass on what one read of the provider brought."""
        if not self._stream:
            return
        for chunk in batch:
            if isinstance(chunk, TextChunk | ReasoningChunk):
                self._waiting.append(chunk)
            elif isinstance(chunk, CallArguments):
                self.emit(events.ToolCallArguments, call_id=chunk.call_id, text=chunk.text)
            elif isinstance(chunk, CallStart):
                self._flush()
        if self._host.ready:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        while waiting:
            kind = type(waiting[0])
            length = next((i for i, chunk in enumerate(waiting) if type(chunk) is not kind), len(waiting))
            text = "".join(chunk.text for chunk in waiting[:length])
            self._send(events.TextDelta if kind is TextChunk else events.ReasoningDelta, text=text)
            del waiting[:length]

    def _send(self, make: type[events.Event], **fields: Any) -> None:
        self.last_seq += 1
        self._host.emit(make(run_id=self._run_id, seq=self.last_seq, **fields))
