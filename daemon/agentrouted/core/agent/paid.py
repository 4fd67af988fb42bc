"""A run's model call: money set aside, and in the ledger."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from agentrouted.core.agent.breach import TellAndAsk
from agentrouted.core.agent.budgets import within_budgets
from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.spending import reserve, within_tokens
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import Storage
from agentrouted.core.usage import bill
from agentrouted.core.usage.call import Call, Crossing, Kind
from agentrouted.core.usage.limits import Reached
from agentrouted.core.usage.recording import Recording, recorded
from agentrouted.core.wire.base import ModelRequest
from agentrouted_protocol import events
from agentrouted_protocol.messages import Usage


@asynccontextmanager
async def paid_call(
    run: RunContext, endpoint: Endpoint, request: ModelRequest, kind: Kind, crossing: Crossing
) -> AsyncIterator[tuple[ModelRequest, Recording]]:
    """What may be asked: its reply is no longer than the money. What it has cost is on the run's bill afterwards.

    Raises `BudgetExceeded` and `PriceUnknown` before the call is made.
    """
    ledger, recording = await run.services.ledger.get(), None
    call = _call(run, endpoint, kind, crossing)
    try:
        with within_tokens(run, request) as request:
            if endpoint.price and request.max_tokens is None and run.budget.left is not None:
                endpoint = replace(endpoint, context_window=await run.services.context_window(endpoint))
            request, reserved = reserve(run, endpoint, request)
            try:
                request, opened = await within_budgets(run.services, call, endpoint, request, TellAndAsk(run))
                with recorded(ledger, call, endpoint, request, opened) as recording:
                    yield request, recording
            finally:
                _settle(run, reserved, recording.spent if recording else None)
    finally:
        # Not before: until it is written, it would count twice, as what it has taken and as what was set aside for it.
        if recording and recording.reached:
            await _tell(run, recording.reached)


def _settle(run: RunContext, reserved: float, spent: Usage | None) -> None:
    """What was set aside becomes what is spent."""
    dollars = (spent and spent.total_cost_usd) or 0.0
    run.budget.spend(dollars, reserved)
    if spent is not None:
        run.state.usage = bill.add(run.state.usage, spent)
        run.state.spent += dollars


async def _tell(run: RunContext, reached: "asyncio.Future[list[Reached]]") -> None:
    """Of the budgets that the call has used up, or nearly."""
    with contextlib.suppress(Storage):
        for each in await asyncio.shield(reached):
            limit = each.limit
            run.emitter.emit(events.BudgetEvent, name=limit.name, unit=limit.unit, spent=each.spent, limit=limit.amount)


def _call(run: RunContext, endpoint: Endpoint, kind: Kind, crossing: Crossing) -> Call:
    return Call(
        run_id=run.run_id,
        tree=run.tree or run.run_id,
        kind=kind,
        provider=endpoint.provider,
        model=endpoint.model_id,
        asked=run.plan.model,
        crossing=crossing,
        session=run.session,
        agent=run.plan.agent or "",
        caller=run.caller,
    )
