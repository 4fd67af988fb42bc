"""Every model call of every run, written down."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Final

from pydantic_core import to_json

from agentrouted.core.errors import Storage
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.owner import Owner
from agentrouted.core.usage.call import Call, Outcome
from agentrouted.core.usage.holding import hold, mark, standing
from agentrouted.core.usage.limits import Held, Limit, Reached, Standing
from agentrouted.core.usage.periods import DAY
from agentrouted.core.usage.query import find_usage
from agentrouted.core.usage.rows import forget_older, insert_ended, insert_open, interrupt, owners, remove_open
from agentrouted.core.usage.taken import Taken
from agentrouted.core.usage.waiting import Lines
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.usage import BudgetState, UsageParams

logger = logging.getLogger(__name__)

# Seconds. A call that takes longer is in the database while it is under way: after a crash it is known.
_SHORT: Final = 0.01
_AGAIN: Final = 1.0
_LONGEST_PAUSE: Final = 30.0

# Ends of calls between two looks at what is to be forgotten.
_FORGET_EVERY: Final = 256


@dataclass(slots=True, eq=False)
class OpenCall:
    """A call that is under way."""

    call: Call
    id: str
    is_written: bool = False
    limits: Sequence[Limit] = ()
    """That count it."""

    timer: asyncio.TimerHandle | None = None


class Ledger:
    """In a database that other processes may share.

    A call is written down with whatever is written next, such as the step of its run, in one transaction. What cannot
    be written is tried again. Calls of a process that is gone are found, and counted as far as they can be.
    """

    def __init__(
        self,
        database: Database,
        owner: Owner,
        tell: Callable[[Reached], None],
        keep_days: Callable[[], float | None],
    ) -> None:
        self._database = database
        self._owner = owner
        self._tell = tell
        self._keep_days = keep_days
        self._numbers = count(1)
        self._ends = count()
        self._fails = False
        """Whether the last write did: that is told once."""

        self.lines = Lines()
        """Of calls that `hold` had no room for, while there was some set aside for others."""

        self.taken = Taken()
        """By calls that a budget counts."""

    @classmethod
    async def open(
        cls,
        database: Database,
        tell: Callable[[Reached], None] = lambda reached: None,
        keep_days: Callable[[], float | None] = lambda: None,
    ) -> "Ledger":
        """`tell` is called when a limit is nearly, or wholly, used up. None keeps every call."""
        try:
            owner = await asyncio.to_thread(Owner, database.path.with_name(f"{database.path.name}.owners"))
        except OSError as error:
            raise storage_fault(error, database.path) from error
        ledger = cls(database, owner, tell, keep_days)
        await ledger.recover()
        return ledger

    def begin(self, call: Call, so_far: Callable[[], Usage]) -> OpenCall:
        """`so_far` tells its bill if nothing is heard of it any more."""
        opened = OpenCall(call, self._new_id())
        opened.timer = asyncio.get_running_loop().call_later(_SHORT, self._write_open, opened, so_far)
        return opened

    async def hold(
        self, call: Call, so_far: Usage, held: Held, limits: Sequence[Limit], counted: Sequence[Limit]
    ) -> tuple[OpenCall, Standing | None]:
        """Begin a call, if all `limits` have room for it. Else none is begun, and the fullest limit is told, too.

        `counted` are all limits that count it.
        """
        opened = OpenCall(call, self._new_id(), is_written=True, limits=counted)
        holding = partial(
            hold, id_=opened.id, owner=self._owner.name, call=call, so_far=so_far, held=held, limits=limits
        )
        try:
            breach = await asyncio.shield(self._database.write(holding))
            if breach and breach.held and await self.recover():
                breach = await asyncio.shield(self._database.write(holding))
        except asyncio.CancelledError:
            self._database.post(partial(remove_open, id_=opened.id))
            raise
        return opened, breach

    def end(self, opened: OpenCall, outcome: Outcome | None) -> "asyncio.Future[list[Reached]]":
        """Which limits it has used up is known once it is written. Without an outcome it was never made."""
        if opened.timer is not None:
            opened.timer.cancel()
        writing = self._write(opened, outcome)
        if next(self._ends) % _FORGET_EVERY == 0 and (days := self._keep_days()) is not None:
            self._database.post(partial(forget_older, than=time.time() - days * DAY))
        return writing

    async def recover(self) -> bool:
        """What was under way in processes that are gone has ended. Whether there was anything."""
        gone = await self._database.read(lambda connection: self._owner.gone(owners(connection)))
        if gone:
            await self._database.write(partial(interrupt, gone=gone))
        return bool(gone)

    async def usage(self, params: UsageParams, limits: Sequence[Limit] = ()) -> bytes:
        """A `UsageResult` as JSON: all that has ended until now, in this process and others, and how `limits` stand."""
        await self.recover()
        await self._database.flush()
        return await self._database.read(partial(_answer, params=params, limits=limits))

    def close(self) -> None:
        """After its database."""
        self._owner.release()

    def _new_id(self) -> str:
        return f"{self._owner.name}-{next(self._numbers)}"

    def _write_open(self, opened: OpenCall, so_far: Callable[[], Usage]) -> None:
        opened.is_written = True
        bill = so_far()
        self._database.post(lambda connection: insert_open(connection, opened.id, self._owner.name, opened.call, bill))

    def _write(
        self, opened: OpenCall, outcome: Outcome | None, pause: float = _AGAIN
    ) -> "asyncio.Future[list[Reached]]":
        """`pause` is that before the next try, in seconds."""
        # Where nobody waits for what was used up, it need not hurry.
        write = self._database.write if opened.limits else self._database.write_soon
        writing = write(partial(_end, opened=opened, outcome=outcome))
        writing.add_done_callback(lambda done: self._written(done, opened, outcome, pause))
        return writing

    def _written(
        self, done: "asyncio.Future[list[Reached]]", opened: OpenCall, outcome: Outcome | None, pause: float
    ) -> None:
        if done.cancelled():
            return
        if (error := done.exception()) is None:
            self._fails = False
            if opened.limits:
                self.lines.call_has_ended()
            for reached in done.result():
                self._tell(reached)
            return
        if not isinstance(error, Storage) or self._database.is_closed:
            logger.error("a model call is not in the ledger: %s", error)
            return
        if not self._fails:
            self._fails = True
            logger.error("model calls are not in the ledger until it can be written: %s", error)
        longer = min(2 * pause, _LONGEST_PAUSE)
        asyncio.get_running_loop().call_later(pause, self._write, opened, outcome, longer)


def _answer(connection: sqlite3.Connection, params: UsageParams, limits: Sequence[Limit]) -> bytes:
    found = find_usage(connection, params)
    budgets = to_json(_standings(connection, limits, params.run_id), by_alias=True, exclude_none=True).decode()
    next_cursor = f',"nextCursor":{to_json(found.next_cursor).decode()}' if found.next_cursor else ""
    rows = ",".join(found.rows)
    return f'{{"rows":[{rows}],"totals":{found.totals},"budgets":{budgets}{next_cursor}}}'.encode()


def _standings(connection: sqlite3.Connection, limits: Sequence[Limit], run_id: str | None) -> list[BudgetState]:
    """Now. A budget of each run has a standing for one run only."""
    now = time.time()
    shown = [limit for limit in limits if limit.per != "run" or run_id is not None]
    return [_state(standing(connection, limit, now, run_id or ""), limit.resets_at(now)) for limit in shown]


def _state(of: Standing, resets_at: str | None) -> BudgetState:
    limit = of.limit
    return BudgetState(
        name=limit.name, unit=limit.unit, limit=limit.amount, spent=of.spent, reserved=of.held, resets_at=resets_at
    )


def _end(connection: sqlite3.Connection, opened: OpenCall, outcome: Outcome | None) -> list[Reached]:
    if opened.is_written:
        remove_open(connection, opened.id)
    if outcome is None:
        return []
    insert_ended(connection, opened.call, outcome)
    return mark(connection, opened.call, opened.limits)
