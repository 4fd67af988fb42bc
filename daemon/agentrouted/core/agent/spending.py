"""What a model call may cost, before it is made."""

import math
from dataclasses import replace
from typing import Final

from agentrouted.core.agent.context import RunContext
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import BudgetExceeded, PriceUnknown
from agentrouted.core.usage.budget import Reservation
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import tokens_in

LONGEST_REPLY: Final = 8192
"""Tokens that a reply may have under a limit of cost, where no `maxTokens` says otherwise: they are reserved."""

_MILLION: Final = 1_000_000


async def reserve(
    run: RunContext, endpoint: Endpoint, request: ModelRequest
) -> tuple[ModelRequest, Reservation | None]:
    """The request with a reply no longer than what is left allows, and the money set aside for it.

    Raises `BudgetExceeded` and `PriceUnknown`.
    """
    request = _within_tokens(run, request)
    left = run.budget.left
    if left is None:
        return request, None
    price = endpoint.price
    if price is None:
        _check_price_is_known(run, endpoint)
        return request, await run.budget.reserve(0.0)
    prompt = tokens_in(request) * price.input / _MILLION
    longest = request.max_tokens or LONGEST_REPLY
    if price.output:
        affordable = math.floor((left - prompt) * _MILLION / price.output)
        longest = min(longest, max(affordable, 1))
        request = replace(request, max_tokens=longest)
    return request, await run.budget.reserve(prompt + longest * price.output / _MILLION)


def _within_tokens(run: RunContext, request: ModelRequest) -> ModelRequest:
    limits, usage = run.plan.limits, run.state.usage
    if limits.max_input_tokens is not None and usage.input_tokens + tokens_in(request) > limits.max_input_tokens:
        raise _used_up("input", usage.input_tokens, limits.max_input_tokens)
    if limits.max_output_tokens is None:
        return request
    left = limits.max_output_tokens - usage.output_tokens
    if left <= 0:
        raise _used_up("output", usage.output_tokens, limits.max_output_tokens)
    return replace(request, max_tokens=min(left, request.max_tokens or left))


def _used_up(kind: str, spent: int, limit: int) -> BudgetExceeded:
    return BudgetExceeded(
        f"the run may use {limit} {kind} tokens, and {spent} are used: another model call would go beyond",
        hint=f"raise `max{kind.title()}Tokens`",
        details={"spent": spent, "limit": limit, "unit": f"{kind}Tokens"},
    )


def _check_price_is_known(run: RunContext, endpoint: Endpoint) -> None:
    """An unknown price is not zero."""
    if not endpoint.local and run.plan.snapshot.config.daemon.limits.unknown_price == "refuse":
        raise PriceUnknown(
            f"the price of {endpoint.provider}/{endpoint.model_id} is not known, and the run has a limit of cost",
            hint=f"give it a `price` under `providers.{endpoint.provider}.models`, leave out `maxCost`, or set "
            "`daemon.limits.unknown_price: allow` to count what the provider reports",
        )
