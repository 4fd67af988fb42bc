"""Writes one run down as it goes."""

from typing import Final

from agentrouted.core.agent.state import RunState
from agentrouted.core.journal.base import Journal, Step
from agentrouted_protocol.messages import Message

# Events that gather: those of a model call that a crash cuts off are not needed, since it is made again.
_GATHERED: Final = 64


class Recorder:
    """Gathers what happens, and gives it to the journal in order. `durable` waits until it would outlive a crash."""

    def __init__(self, journal: Journal, run_id: str) -> None:
        self._journal = journal
        self._run_id = run_id
        self._events: list[tuple[int, bytes]] = []
        self._messages: dict[int, Message] = {}
        self._calls: list[str] = []
        self._saved = 0
        self._stopped = False

    def event(self, seq: int, encoded: bytes) -> None:
        self._events.append((seq, encoded))
        if len(self._events) >= _GATHERED:
            self.post()

    def result(self, place: int, message: Message, state: RunState) -> None:
        """A tool's result, with what it has cost: it is on its way to the disk when the next one comes."""
        self._messages[place] = message
        self.post(state)

    def call_begun(self, call_id: str) -> None:
        self._calls.append(call_id)

    def post(self, state: RunState | None = None) -> None:
        """Hand over what was gathered; with a state, all that is new in it too."""
        if self._stopped:
            return
        if state is not None:
            self._messages |= dict(enumerate(state.messages[self._saved :], self._saved))
            self._saved = len(state.messages)
        step = Step(
            events=self._events,
            messages=list(self._messages.items()),
            calls_begun=self._calls,
            usage=state.usage if state else None,
            state=state.to_journal() if state else None,
        )
        self._events, self._messages, self._calls = [], {}, []
        self._journal.write(self._run_id, step)

    async def durable(self, state: RunState) -> None:
        self.post(state)
        await self._journal.flush(self._run_id)

    def resumed(self, saved: int) -> None:
        """So many messages are in the journal already."""
        self._saved = saved

    def stop(self, state: RunState) -> None:
        """Write nothing from now on: what is in the journal is where the run will be resumed."""
        self.post(state)
        self._stopped = True
