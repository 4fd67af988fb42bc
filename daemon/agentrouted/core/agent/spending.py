"""What a model call may cost, before it is made."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from agentrouted.core.agent.context import RunContext
from agentrouted.core.endpoint import Endpoint, Price
from agentrouted.core.errors import BudgetExceeded, PriceUnknown
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import most_tokens_in, tokens_in

_MILLION: Final = 1_000_000

# Tokens that a reply may have under a limit where no `maxTokens` says otherwise.
_LONGEST_REPLY: Final = 8192

# Of a window that its prompt may fill, so much at least is a reply's.
_LEAST_REPLY: Final = 512

# Tokens that a reply may have at all under a limit: who wants none may say the largest number there is.
_NO_LIMIT: Final = _MILLION


def longest_reply(endpoint: Endpoint, request: ModelRequest) -> int:
    """Tokens that are set aside for it under a limit of dollars or tokens."""
    if request.max_tokens is not None:
        return min(request.max_tokens, _NO_LIMIT)
    # Whoever asks for more than its window has is refused. The most that a prompt may take leaves nothing where it is
    # long: there it is half of what is free as estimated, so that the estimate may be wrong by the other half.
    window = endpoint.context_window or _NO_LIMIT
    room = max(window - most_tokens_in(request), (window - tokens_in(request)) // 2, _LEAST_REPLY)
    return min(room, _LONGEST_REPLY)


@contextmanager
def within_tokens(run: RunContext, request: ModelRequest) -> Iterator[ModelRequest]:
    """The request with a reply no longer than the run's sums of tokens allow. So many are set aside for its call.

    Raises `BudgetExceeded`.
    """
    prompt = _room_for_prompt(run, request)
    request = _with_room_for_reply(run, request)
    reply = request.max_tokens or 0
    run.held.input += prompt
    run.held.output += reply
    try:
        yield request
    finally:
        run.held.input -= prompt
        run.held.output -= reply


def reserve(run: RunContext, endpoint: Endpoint, request: ModelRequest) -> tuple[ModelRequest, float]:
    """The request with a reply no longer than what is left allows, and the dollars set aside for it.

    Raises `BudgetExceeded` and `PriceUnknown`.
    """
    left, dollars = run.budget.left, 0.0
    if left is None:
        return request, dollars
    if endpoint.price is None:
        _check_price_is_known(run, endpoint)
    else:
        request, dollars = _within(left, endpoint, request, endpoint.price)
    run.budget.reserve(dollars)
    return request, dollars


def _within(left: float, endpoint: Endpoint, request: ModelRequest, price: Price) -> tuple[ModelRequest, float]:
    """The request, and what it may cost at most."""
    prompt = most_tokens_in(request) * price.input / _MILLION
    longest = longest_reply(endpoint, request)
    if price.output:
        affordable = (left - prompt) * _MILLION / price.output
        longest = max(math.floor(min(longest, affordable)), 1)
        request = replace(request, max_tokens=longest)
    return request, prompt + longest * price.output / _MILLION


def _room_for_prompt(run: RunContext, request: ModelRequest) -> int:
    limit, used, held = run.plan.limits.max_input_tokens, run.state.usage.input_tokens, run.held.input
    if limit is None:
        return 0
    if used + held + (prompt := tokens_in(request)) > limit:
        raise _used_up("input", used, held, limit)
    return prompt


def _with_room_for_reply(run: RunContext, request: ModelRequest) -> ModelRequest:
    limit, used, held = run.plan.limits.max_output_tokens, run.state.usage.output_tokens, run.held.output
    if limit is None:
        return request
    if (left := limit - used - held) <= 0:
        raise _used_up("output", used, held, limit)
    return replace(request, max_tokens=min(left, request.max_tokens or _longest(run, left)))


def _longest(run: RunContext, left: int) -> int:
    """Where others are asked as well, they need room, too."""
    chain = run.plan.resolution.chain
    return left if chain is None or chain.hedge_after is None else _LONGEST_REPLY


def _used_up(kind: str, spent: int, held: int, limit: int) -> BudgetExceeded:
    under_way = f", {held} set aside for calls under way" if held else ""
    return BudgetExceeded(
        f"the run may use {limit} {kind} tokens, and {spent} are used{under_way}: another model call would go beyond",
        hint=f"raise `max{kind.title()}Tokens`",
        details={"spent": spent, "reserved": held, "limit": limit, "unit": f"{kind}Tokens"},
    )


def _check_price_is_known(run: RunContext, endpoint: Endpoint) -> None:
    """An unknown price is not zero."""
    if not endpoint.local and run.plan.snapshot.config.daemon.limits.unknown_price == "refuse":
        raise PriceUnknown(
            f"the price of {endpoint.provider}/{endpoint.model_id} is not known, and the run has a limit of cost",
            hint=f"give it a `price` under `providers.{endpoint.provider}.models`, leave out `maxCost`, or set "
            "`daemon.limits.unknown_price: allow` to count what the provider reports",
        )
