"""The budgets of the config: asked before each model call."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.spending import LONGEST_REPLY
from agentrouted.core.config.budget import Budget
from agentrouted.core.endpoint import Endpoint, Price
from agentrouted.core.errors import BudgetExceeded, PriceUnknown, ToolFailed
from agentrouted.core.services import Services
from agentrouted.core.usage.call import Call
from agentrouted.core.usage.limits import Held, Limit, Standing, limits_of
from agentrouted.core.usage.taken import Taken
from agentrouted.core.usage.waiting import Waiting
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import bill, most_tokens_in
from agentrouted_protocol import events
from agentrouted_protocol.client_requests import Decision, ToolApproveParams
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.usage import BudgetUnit

if TYPE_CHECKING:  # takes sqlite3 and aiosqlite with it: it is opened with the first use
    from agentrouted.core.usage.ledger import OpenCall

# Tokens: a reply that has to be shorter than this is not worth its prompt; and one that is shorter than that is not
# made to be, where there may be room for more in a moment.
_SHORTEST: Final = 16
_ENOUGH: Final = 1024
_MILLION: Final = 1_000_000
_OPTIONS: Final[tuple[Decision, ...]] = ("allow_once", "allow_always", "reject_once")


@dataclass(frozen=True, slots=True)
class _Cost:
    """The most that a call can take: its prompt, and each token of the reply."""

    so_far: Usage
    shortest: int
    """Tokens to which its reply may be cut."""

    prompt_tokens: int
    prompt_usd: float
    token_usd: float

    def held(self, longest: int) -> Held:
        return Held(self.prompt_usd + longest * self.token_usd, self.prompt_tokens + longest)

    def is_bounded(self, limits: Sequence[Limit]) -> bool:
        """Whether the length of the reply makes a difference."""
        return any(limit.unit == "tokens" or (limit.unit == "usd" and self.token_usd) for limit in limits)

    def longest(self, standing: Standing) -> int | None:
        """Tokens of a reply for which there is room; None where its length makes no difference."""
        match standing.limit.unit:
            case "tokens":
                return math.floor(standing.left) - self.prompt_tokens
            case "usd" if self.token_usd:
                return math.floor((standing.left - self.prompt_usd) / self.token_usd)
        return None

    def may_fit_later(self, standing: Standing) -> bool:
        """Whether there may be room when the calls under way have ended: they mostly take less than was set aside."""
        alone = replace(standing, held=0.0)
        if not standing.held:
            return False
        longest = self.longest(alone)
        return self.held(0).of(alone.limit.unit) <= alone.left if longest is None else longest >= self.shortest


GoBeyond = Callable[[Standing, Budget, Call], Awaitable[None]]
"""Raises `BudgetExceeded`, unless the call is allowed all the same."""


async def refuse_beyond(breach: Standing, budget: Budget, call: Call) -> None:
    raise _exceeded(breach, call)


async def within_budgets(
    services: Services, call: Call, endpoint: Endpoint, request: ModelRequest, go_beyond: GoBeyond = refuse_beyond
) -> tuple[ModelRequest, "OpenCall | None"]:
    """The request with a reply no longer than what is left allows, and the call as it was begun in the ledger.

    Where what is left is set aside for other calls, it waits a while for them to end, and is cut short only then.

    The budgets are those in force now, not those at the begin of the run. Raises `BudgetExceeded`, `PriceUnknown`.
    """
    budgets, ledger = services.config.current.config.budgets, await services.ledger.get()
    counted = [limit for limit in limits_of(budgets) if limit.counts(call)]
    if not counted:
        return request, None
    _check_price_is_known(endpoint, budgets, counted)
    if ledger is None:
        raise services.ledger.fault
    limits, cost, wanted = counted, _cost(endpoint, request, ledger.taken), request.max_tokens or LONGEST_REPLY
    longest = wanted
    async with Waiting(ledger.lines) as waiting:
        while True:
            ended = ledger.lines.ended
            opened, breach = await ledger.hold(call, cost.so_far, cost.held(longest), limits, counted)
            if breach is None:
                return (replace(request, max_tokens=longest) if cost.is_bounded(limits) else request), opened
            shorter, least = cost.longest(breach) or 0, min(wanted, _ENOUGH) if breach.held else cost.shortest
            if least <= shorter < longest:
                longest = shorter
                continue
            if cost.may_fit_later(breach) and await waiting.wait(breach.limit.name, ended):
                # By those that have ended it may be known that it takes more.
                cost, longest = _cost(endpoint, request, ledger.taken), wanted
                continue
            if cost.shortest <= shorter < longest:
                longest = shorter
                continue
            await go_beyond(breach, budgets[breach.limit.name], call)
            limits = [limit for limit in limits if limit.name != breach.limit.name]


def _cost(endpoint: Endpoint, request: ModelRequest, taken: Taken) -> _Cost:
    price, prompt = endpoint.price or Price(0.0, 0.0), most_tokens_in(request) + taken.hidden(endpoint)
    return _Cost(
        so_far=bill(endpoint, request, {}, 0),
        shortest=min(request.max_tokens or _ENOUGH, _ENOUGH, max(_SHORTEST, taken.longest_reply(endpoint))),
        prompt_tokens=prompt,
        prompt_usd=prompt * price.input / _MILLION,
        token_usd=price.output / _MILLION,
    )


def _check_price_is_known(endpoint: Endpoint, budgets: Mapping[str, Budget], limits: Sequence[Limit]) -> None:
    if endpoint.price is not None or endpoint.local:
        return
    for limit in limits:
        if limit.unit == "usd" and budgets[limit.name].unknown_price == "refuse":
            raise PriceUnknown(
                f"the price of {endpoint.provider}/{endpoint.model_id} is not known, and budget `{limit.name}` counts "
                "dollars",
                hint=f"give it a `price` under `providers.{endpoint.provider}.models`, or set "
                f"`budgets.{limit.name}.unknown_price` to `count_tokens` or `allow`",
            )


async def ask_to_go_beyond(run: RunContext, breach: Standing, budget: Budget, call: Call) -> None:
    """Raises `BudgetExceeded`, unless the budget lets the client decide, and it allows the call."""
    limit = breach.limit
    run.emitter.emit(events.BudgetEvent, name=limit.name, unit=limit.unit, spent=breach.spent, limit=limit.amount)
    if budget.on_breach == "refuse" or not await _is_allowed(run, breach):
        raise _exceeded(breach, call)


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
