"""Runs in sessions, one after the other."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from agentrouted.core.endpoint import Boundary
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.memory.opening import SharedStore
from agentrouted.core.memory.session_locks import SessionLocks
from agentrouted_protocol.memory import SessionMessage
from agentrouted_protocol.messages import Message
from agentrouted_protocol.runs import RunResult
from agentrouted_protocol.scope import Scope

if TYPE_CHECKING:  # takes sqlite3 with it
    from agentrouted.core.memory.sessions import Conversation

INTERRUPTED: Final = "[interrupted]"
"""Stands at the end of what a run has said that was cancelled."""


class Sessions:
    """Which run has its turn in which session; the others wait, in the order they came."""

    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}

    async def enter(self, session_id: str) -> None:
        turn = self._turns.setdefault(session_id, asyncio.Lock())
        self._waiting[session_id] = self._waiting.get(session_id, 0) + 1
        try:
            await turn.acquire()
        except BaseException:
            self._forget(session_id)
            raise

    def leave(self, session_id: str) -> None:
        self._turns[session_id].release()
        self._forget(session_id)

    def _forget(self, session_id: str) -> None:
        self._waiting[session_id] -= 1
        if not self._waiting[session_id]:
            del self._waiting[session_id], self._turns[session_id]


class Turn:
    """A run's turn in its session: from when those before it have ended until what it has added is kept."""

    def __init__(self, sessions: Sessions, memory: SharedStore, session_id: str, scope: Scope | None) -> None:
        self._sessions = sessions
        self._memory = memory
        self._session_id = session_id
        self._scope = scope
        self._entered = False
        self._locks: SessionLocks | None = None

    async def begin(self, place: int | None) -> "Conversation":
        """What was said in the session before, up to a place for a run that is resumed.

        Raises `Conflict` where the session is in another scope.
        """
        await self._sessions.enter(self._session_id)
        self._entered = True
        store = await self._memory.get()
        # Those of this process wait for those of others one at a time.
        await store.session_locks.take(self._session_id)
        self._locks = store.session_locks
        return await store.messages_up_to(self._session_id, place, scope=self._scope)

    async def keep(self, given: Sequence[Message], result: RunResult, boundary: Boundary | None) -> None:
        """Add what was said, within that boundary. A run that ended before its turn has said nothing."""
        if self._locks is None:
            return
        store = await self._memory.get()
        asked = [message for message in given if message.role != "system"]
        said = _marked(result.messages) if result.interrupted else result.messages
        try:
            await store.add_messages(self._session_id, [*asked, *said], self._scope, result.run_id, boundary)
        except AgentroutedError as error:
            raise error.of_run(result.run_id, result.usage, result.messages) from error

    def end(self) -> None:
        if self._locks is not None:
            self._locks.give(self._session_id)
            self._locks = None
        if self._entered:
            self._entered = False
            self._sessions.leave(self._session_id)


def bare(message: SessionMessage) -> Message:
    """Without its time."""
    return Message(**{name: getattr(message, name) for name in Message.model_fields})


def _marked(messages: Sequence[Message]) -> list[Message]:
    """What a cancelled run has said, so that the next one knows."""
    last = messages[-1] if messages else None
    if last is not None and last.role == "assistant" and isinstance(last.content, str) and not last.tool_calls:
        return [*messages[:-1], last.model_copy(update={"content": f"{last.content}\n{INTERRUPTED}"})]
    return [*messages, Message(role="assistant", content=INTERRUPTED)]
