"""Money that a run may spend: reserved before, settled after."""

from agentrouted.core.errors import BudgetExceeded


class RunBudget:
    """US dollars, in memory. What the run spends is spent from its parent's budget, too."""

    def __init__(self, limit: float | None, parent: "RunBudget | None" = None) -> None:
        self.limit = limit
        self.spent = 0.0
        self._parent = parent
        self._reserved = 0.0

    @property
    def left(self) -> float | None:
        """Neither spent nor reserved; None where there is no limit."""
        own = None if self.limit is None else self.limit - self.spent - self._reserved
        above = self._parent.left if self._parent else None
        known = [each for each in (own, above) if each is not None]
        return min(known) if known else None

    def reserve(self, dollars: float) -> None:
        """They count as spent until `spend` says what it was, so that no two calls can go beyond the limit together.

        Raises `BudgetExceeded` where less than that is left.
        """
        if (left := self.left) is not None and dollars > left:
            raise self._exceeded()
        self._add(reserved=dollars)

    def spend(self, dollars: float, reserved: float = 0.0) -> None:
        """What was `reserved` for it is free again."""
        self._add(spent=dollars, reserved=-reserved)

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
            f"the run may cost ${limit or 0:.4f}, ${spent:.4f} are spent, and a model call may take more than is left",
            hint="raise `maxCost`, or use a cheaper model",
            details={"spent": spent, "limit": limit},
        )


def _less(one: float | None, other: float | None) -> bool:
    return one is not None and (other is None or one < other)
