"""One model call, from its begin to its row in the ledger."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.usage.call import Call, Outcome
from agentrouted.core.usage.limits import Reached
from agentrouted.core.wire.base import CallArguments, Chunk, ModelReply, ModelRequest, ReasoningChunk, TextChunk
from agentrouted.core.wire.bill import bill
from agentrouted.core.wire.sending import WHEN_SENT
from agentrouted_protocol.messages import Usage

if TYPE_CHECKING:  # takes sqlite3 and aiosqlite with it: it is opened with the first use
    from agentrouted.core.usage.ledger import Ledger, OpenCall


class Recording:
    """What is known of a call so far."""

    def __init__(self, endpoint: Endpoint, request: ModelRequest) -> None:
        self.spent: Usage | None = None
        """Its bill, when it has ended; None if nothing is to be paid."""

        self.first_token: float | None = None
        """Seconds until the first sign of the model."""

        self.reached: asyncio.Future[list[Reached]] | None = None
        """When it has ended: which limits it has used up, where any count it."""

        self.is_sent = False
        """Whether it has left us: before that, nobody can bill it."""

        self._endpoint = endpoint
        self._request = request
        self._reply: ModelReply | None = None
        self._heard = 0
        self._start = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds."""
        return time.perf_counter() - self._start

    def sent(self) -> None:
        self.is_sent = True

    def hear(self, batch: Sequence[Chunk]) -> None:
        self.is_sent = True
        if self.first_token is None:
            self.first_token = self.elapsed
        for chunk in batch:
            if isinstance(chunk, TextChunk | ReasoningChunk | CallArguments):
                self._heard += len(chunk.text)
            elif isinstance(chunk, ModelReply):
                self._reply = chunk

    def cut_off(self) -> Usage:
        """Its bill if no more of the reply comes: an estimate, marked so."""
        return bill(self._endpoint, self._request, {}, self._heard)

    def answered(self) -> None:
        self.spent = self._reply.usage if self._reply else None

    def failed(self, error: AgentroutedError) -> None:
        self.spent = error.usage or (self.cut_off() if self._heard else None)
        error.usage = None

    def cancelled(self) -> None:
        self.spent = self.cut_off() if self.is_sent else None

    def outcome(self, status: str) -> Outcome:
        served = self._reply.model if self._reply else None
        return Outcome(status, self.spent, self.elapsed, self.first_token, served)


@contextmanager
def recorded(
    ledger: "Ledger | None", call: Call, endpoint: Endpoint, request: ModelRequest, opened: "OpenCall | None" = None
) -> Iterator[Recording]:
    """The call that is made within is in the ledger, whatever becomes of it, as soon as it has left us.

    Whoever makes it tells `hear` what comes. `opened` is the call where it was begun already, with money set aside.
    """
    recording, status = Recording(endpoint, request), "internalError"
    WHEN_SENT.set(recording.sent)
    if ledger is not None and opened is None:
        opened = ledger.begin(call, recording.cut_off)
    try:
        yield recording
        recording.answered()
        status = "ok"
    except AgentroutedError as error:
        recording.failed(error)
        status = error.kind
        raise
    except asyncio.CancelledError:
        recording.cancelled()
        status = "cancelled"
        raise
    finally:
        WHEN_SENT.set(None)
        if ledger is not None and opened is not None:
            ended = ledger.end(opened, recording.outcome(status) if recording.is_sent else None)
            recording.reached = ended if opened.limits else None
            if opened.limits and recording.spent is not None:
                ledger.taken.learn(endpoint, request, recording.spent)
