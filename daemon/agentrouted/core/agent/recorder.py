"""Writes one run down as it goes."""

import asyncio
from typing import Final

from agentrouted.core.agent.state import RunState
from agentrouted.core.journal.base import Journal, Step
from agentrouted_protocol.messages import Message

# Events gather for so many seconds: a crash loses no step, and of the text in between no more than this.
_GATHER_SECONDS: Final = 0.05


class Recorder:
    """Gathers what happens, and gives it to the journal in order. `durable` waits until it would outlive a crash."""

    def __init__(self, journal: Journal, run_id: str) -> None:
        self._journal = journal
        self._run_id = run_id
        self._events: list[tuple[int, bytes]] = []
        self._messages: dict[int, Message] = {}
        self._calls: list[str] = []
        self._saved = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def stop(self, state: RunState) -> None:
        """Write nothing from now on: what is in the journal is where the run will be resumed."""
        self.post(state)
        self._stopped = True

    def event(self, seq: int, encoded: bytes) -> None:
        if self._stopped:
            return
        self._events.append((seq, encoded))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_GATHER_SECONDS, self.post)

    def result(self, place: int, message: Message) -> None:
        """A tool's result: it is on its way to the disk when the next one comes."""
        self._messages[place] = message
        self.post()

    def call_begun(self, call_id: str) -> None:
        self._calls.append(call_id)

    def post(self, state: RunState | None = None) -> None:
        """Hand over what was gathered; with a state, all that is new in it too."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stopped:
            return
        if state is not None:
            self._messages |= dict(enumerate(state.messages[self._saved :], self._saved))
            self._saved = len(state.messages)
        if not (self._events or self._messages or self._calls or state):
            return
        step = Step(
            events=self._events,
            messages=list(self._messages.items()),
            calls_begun=self._calls,
            usage=state.usage if state else None,
            state=state.to_journal() if state else None,
        )
        self._events, self._messages, self._calls = [], {}, []
        self._journal.write(self._run_id, step)

    async def durable(self, state: RunState | None = None) -> None:
        self.post(state)
        await self._journal.flush()

    def resumed(self, saved: int) -> None:
        """So many messages are in the journal already."""
        self._saved = saved
