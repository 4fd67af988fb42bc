"""A model call of no run: paid for, and in the ledger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from agentrouted.core.agent.budgets import within_budgets
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.services import Services
from agentrouted.core.usage.call import Call, Caller, Crossing, Kind
from agentrouted.core.usage.recording import Recording, recorded
from agentrouted.core.wire.base import ModelRequest


def single_call(kind: Kind, asked: str, endpoint: Endpoint, caller: Caller, crossing: Crossing | None = None) -> Call:
    """One that is a run of its own. `asked` is the model as it was asked for."""
    name = f"{kind}-{uuid4().hex}"
    return Call(
        run_id=name,
        tree=name,
        kind=kind,
        provider=endpoint.provider,
        model=endpoint.model_id,
        asked=asked,
        crossing=crossing or ("local" if endpoint.local else "remote"),
        caller=caller,
    )


@asynccontextmanager
async def paid_single_call(
    services: Services, call: Call, endpoint: Endpoint, request: ModelRequest
) -> AsyncIterator[tuple[ModelRequest, Recording]]:
    """What may be asked: its reply is no longer than the money. Raises `BudgetExceeded` and `PriceUnknown`."""
    ledger = await services.ledger.get()
    request, opened = await within_budgets(services, call, endpoint, request)
    with recorded(ledger, call, endpoint, request, opened) as recording:
        yield request, recording
