"""What becomes of a call for which a budget has no room."""

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import uuid4

from agentrouted.core.agent.context import RunContext
from agentrouted.core.config.budget import Budget
from agentrouted.core.errors import BudgetExceeded, ToolFailed
from agentrouted.core.usage.call import Call
from agentrouted.core.usage.limits import Standing
from agentrouted_protocol import events
from agentrouted_protocol.client_requests import Decision, ToolApproveParams
from agentrouted_protocol.usage import BudgetUnit

_OPTIONS: Final[tuple[Decision, ...]] = ("allow_once", "allow_always", "reject_once")


class AtLimit(Protocol):
    def waits(self, breach: Standing) -> None:
        """It waits for what is set aside for others."""

    async def go_beyond(self, breach: Standing, budget: Budget, call: Call) -> None:
        """Raises `BudgetExceeded`, unless the call is allowed all the same."""


class Refuse:
    """A call of no run: there is nobody to tell, or to ask."""

    def waits(self, breach: Standing) -> None:
        return

    async def go_beyond(self, breach: Standing, budget: Budget, call: Call) -> None:
        raise _exceeded(breach, call)


REFUSE: Final[AtLimit] = Refuse()


@dataclass(frozen=True, slots=True)
class TellAndAsk:
    """The clients of a run hear of it, and decide where the budget lets them."""

    run: RunContext

    def waits(self, breach: Standing) -> None:
        self._tell(breach, waits=True)

    async def go_beyond(self, breach: Standing, budget: Budget, call: Call) -> None:
        self._tell(breach)
        if budget.on_breach == "refuse" or not await _is_allowed(self.run, breach):
            raise _exceeded(breach, call)

    def _tell(self, breach: Standing, *, waits: bool = False) -> None:
        limit = breach.limit
        self.run.emitter.emit(
            events.BudgetEvent,
            name=limit.name,
            unit=limit.unit,
            spent=breach.spent,
            reserved=breach.held,
            limit=limit.amount,
            waits=waits,
        )


def _exceeded(breach: Standing, call: Call) -> BudgetExceeded:
    limit = breach.limit
    # What is set aside is the most that those calls can take: they mostly take less.
    again = "try again when the calls under way have ended, " if breach.held else ""
    resets_at = limit.resets_at(call.at)
    return BudgetExceeded(
        _said(breach),
        hint=f"{again}raise `budgets.{limit.name}.{limit.unit}`, or use a model that it does not count",
        details={
            "name": limit.name,
            "unit": limit.unit,
            "spent": breach.spent,
            "reserved": breach.held,
            "limit": limit.amount,
            **({"resetsAt": resets_at} if resets_at else {}),
        },
    )


async def _is_allowed(run: RunContext, breach: Standing) -> bool:
    """No answer is a no. `allow_always` holds for the run."""
    name, call_id = f"budget:{breach.limit.name}", uuid4().hex
    if (decided := run.state.always.get(name)) is not None:
        return decided
    params = ToolApproveParams(
        run_id=run.run_id,
        call_id=call_id,
        name=name,
        arguments={"unit": breach.limit.unit, "spent": breach.spent, "limit": breach.limit.amount},
        reason=_said(breach),
        options=list(_OPTIONS),
    )
    run.emitter.emit(events.ApprovalEvent, call_id=call_id, name=name)
    try:
        decision = (await run.audience.approve(params)).decision
    except ToolFailed:
        decision = "reject_once"
    run.emitter.emit(events.ApprovalEvent, call_id=call_id, name=name, decision=decision)
    if decision.endswith("always"):
        run.state.always[name] = decision == "allow_always"
    return decision.startswith("allow")


def _said(breach: Standing) -> str:
    limit = breach.limit
    spent, held, amount = (_amount(value, limit.unit) for value in (breach.spent, breach.held, limit.amount))
    under_way = f", {held} set aside for calls under way" if breach.held else ""
    each = "an hour" if limit.per == "hour" else f"a {limit.per}"
    return f"budget `{limit.name}` is {amount} {each}: {spent} spent{under_way}, and the next call may go beyond"


def _amount(value: float, unit: BudgetUnit) -> str:
    return f"${value:,.4f}" if unit == "usd" else f"{value:,.0f} {unit}"
