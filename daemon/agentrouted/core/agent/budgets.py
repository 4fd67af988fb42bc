"""The budgets of the config: asked before each model call."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from agentrouted.core.agent.breach import REFUSE, AtLimit
from agentrouted.core.agent.spending import longest_reply
from agentrouted.core.config.budget import Budget
from agentrouted.core.endpoint import Endpoint, Price
from agentrouted.core.errors import PriceUnknown
from agentrouted.core.services import Services
from agentrouted.core.usage.call import Call
from agentrouted.core.usage.limits import Held, Limit, Standing, limits_of
from agentrouted.core.usage.taken import Taken
from agentrouted.core.usage.waiting import Waiting
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import bill, most_tokens_in
from agentrouted_protocol.messages import Usage

if TYPE_CHECKING:  # takes sqlite3 and aiosqlite with it: it is opened with the first use
    from agentrouted.core.usage.ledger import OpenCall

# Tokens: a reply that has to be shorter than this is not worth its prompt; and one that is shorter than that is not
# made to be, where there may be room for more in a moment.
_SHORTEST: Final = 16
_ENOUGH: Final = 1024
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Cost:
    """The most that a call can take: its prompt, and each token of the reply."""

    so_far: Usage
    wanted: int
    """Tokens of its reply."""

    shortest: int
    """Those to which it may be cut."""

    beyond: int
    """Those that it may take, whatever it is cut to."""

    prompt_tokens: int
    prompt_usd: float
    token_usd: float

    def held(self, longest: int) -> Held:
        reply = max(longest, self.beyond)
        return Held(self.prompt_usd + reply * self.token_usd, self.prompt_tokens + reply)

    def is_bounded(self, limits: Sequence[Limit]) -> bool:
        """Whether the length of the reply makes a difference."""
        return any(limit.unit == "tokens" or (limit.unit == "usd" and self.token_usd) for limit in limits)

    def longest(self, standing: Standing) -> int | None:
        """Tokens of a reply for which there is room; None where its length makes no difference."""
        match standing.limit.unit:
            case "tokens":
                room = standing.left - self.prompt_tokens
            case "usd" if self.token_usd:
                room = (standing.left - self.prompt_usd) / self.token_usd
            case _:
                return None
        return math.floor(room) if room >= self.beyond else 0

    def may_fit_later(self, standing: Standing) -> bool:
        """Whether there may be room when the calls under way have ended: they mostly take less than was set aside."""
        alone = replace(standing, held=0.0)
        if not standing.held:
            return False
        longest = self.longest(alone)
        return self.held(0).of(alone.limit.unit) <= alone.left if longest is None else longest >= self.shortest


async def within_budgets(
    services: Services, call: Call, endpoint: Endpoint, request: ModelRequest, at_limit: AtLimit = REFUSE
) -> tuple[ModelRequest, "OpenCall | None"]:
    """The request with a reply no longer than what is left allows, and the call as it was begun in the ledger.

    Where what is left is set aside for other calls, it waits a while for them to end, and is cut short only then.

    The budgets are those in force when the call begins. Raises `BudgetExceeded`, `PriceUnknown`.
    """
    ledger, allowed = await services.ledger.get(), set[str]()
    with Waiting() as waiting:
        while True:
            budgets = services.config.current.config.budgets
            counted = [limit for limit in limits_of(budgets) if limit.counts(call)]
            if not counted:
                return request, None
            _check_price_is_known(endpoint, budgets, counted)
            if ledger is None:
                raise services.ledger.fault
            call, ended = replace(call, at=time.time()), ledger.lines.ended
            if request.max_tokens is None and any(limit.unit != "calls" for limit in counted):
                endpoint = replace(endpoint, context_window=await services.context_window(endpoint))
            # By those that have ended meanwhile it may be known that it takes more.
            cost = _cost(endpoint, request, ledger.taken)
            limits = [limit for limit in counted if limit.name not in allowed]
            hold = partial(ledger.hold, call, cost.so_far, limits=limits, counted=counted)
            longest, opened, breach = await _begin(hold, cost, waiting.is_patient)
            if breach is None:
                return (replace(request, max_tokens=longest) if cost.is_bounded(limits) else request), opened
            if waiting.is_patient and cost.may_fit_later(breach):
                if not waiting.has_begun:
                    at_limit.waits(breach)
                await waiting.wait(ledger.lines.turn(breach.limit, call), ended)
            else:
                waiting.leave()
                await at_limit.go_beyond(breach, budgets[breach.limit.name], call)
                allowed.add(breach.limit.name)


async def _begin(
    hold: Callable[[Held], Awaitable[tuple["OpenCall", Standing | None]]], cost: _Cost, is_patient: bool
) -> tuple[int, "OpenCall", Standing | None]:
    """With a reply as long as there is room for: so many tokens. Else the limit that has none."""
    longest = cost.wanted
    while True:
        opened, breach = await hold(cost.held(longest))
        if breach is None:
            return longest, opened, None
        shorter = cost.longest(breach) or 0
        least = min(cost.wanted, _ENOUGH) if breach.held and is_patient else cost.shortest
        if not least <= shorter < longest:
            return longest, opened, breach
        longest = shorter


def _cost(endpoint: Endpoint, request: ModelRequest, taken: Taken) -> _Cost:
    price, most = endpoint.price or Price(0.0, 0.0), taken.by(endpoint)
    prompt, wanted = most_tokens_in(request) + most.hidden, longest_reply(endpoint, request)
    return _Cost(
        so_far=bill(endpoint, request, {}, 0),
        wanted=wanted,
        shortest=min(wanted, _ENOUGH, max(_SHORTEST, most.reply)),
        beyond=most.beyond,
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
