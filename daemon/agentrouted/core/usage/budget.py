"""Money that runs may spend: reserved before, settled after."""

from dataclasses import dataclass
from typing import Protocol

from agentrouted.core.errors import BudgetExceeded


class Reservation(Protocol):
    async def settle(self, dollars: float) -> None:
        """What was reserved becomes what was really spent; 0 releases it."""


class Budget(Protocol):
    """US dollars. What is reserved counts as spent until it is settled, so that no two can overshoot together."""

    @property
    def limit(self) -> float | None: ...

    @property
    def left(self) -> float | None:
        """Neither spent nor reserved; None where there is no limit."""

    async def reserve(self, dollars: float) -> Reservation:
        """Raises `BudgetExceeded` where less than that is left."""


class RunBudget:
    """The budget of one run, in memory; what it spends is spent from its parent's too."""

    def __init__(self, limit: float | None, parent: "RunBudget | None" = None, spent: float = 0.0) -> None:
        self.limit = limit
        self.spent = spent
        self._parent = parent
        self._reserved = 0.0

    @property
    def left(self) -> float | None:
        own = None if self.limit is None else self.limit - self.spent - self._reserved
        above = self._parent.left if self._parent else None
        known = [each for each in (own, above) if each is not None]
        return min(known) if known else None

    async def reserve(self, dollars: float) -> "_RunReservation":
        left = self.left
        if left is not None and dollars > left:
            raise self._exceeded()
        self._add(reserved=dollars)
        return _RunReservation(self, dollars)

    def count(self, dollars: float) -> None:
        """What was spent before, by another process: nothing was reserved for it."""
        self._add(spent=dollars)

    def check(self) -> None:
        """Raises `BudgetExceeded` where more was spent than the limit: a provider may bill more than was foreseen."""
        if self.limit is not None and self.spent > self.limit:
            raise self._exceeded()
        if self._parent:
            self._parent.check()

    def _add(self, *, spent: float = 0.0, reserved: float = 0.0) -> None:
        self.spent += spent
        self._reserved += reserved
        if self._parent:
            self._parent._add(spent=spent, reserved=reserved)

    def _exceeded(self) -> BudgetExceeded:
        holder: RunBudget | None = self
        while holder and (holder.limit is None or (holder._parent and _less(holder._parent.left, holder.left))):
            holder = holder._parent
        limit, spent = (holder.limit, holder.spent) if holder else (self.limit, self.spent)
        return BudgetExceeded(
            f"the run may cost ${limit or 0:.4f}, and ${spent:.4f} are spent",
            hint="raise `maxCost`, or use a cheaper model",
            details={"spent": spent, "limit": limit},
        )


@dataclass(slots=True)
class _RunReservation:
    _budget: RunBudget
    _dollars: float

    async def settle(self, dollars: float) -> None:
        self._budget._add(spent=dollars, reserved=-self._dollars)
        self._dollars = 0.0


def _less(one: float | None, other: float | None) -> bool:
    return one is not None and (other is None or one < other)
