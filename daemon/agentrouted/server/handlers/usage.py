"""`usage`."""

from agentrouted.core.usage.limits import limits_of
from agentrouted.server.session import ClientSession
from agentrouted_protocol.usage import UsageParams


async def get_usage(session: ClientSession, params: UsageParams) -> bytes:
    shared = session.core.services.ledger
    ledger = await shared.get()
    if ledger is None:
        raise shared.fault
    return await ledger.usage(params, limits_of(session.core.services.config.current.config.budgets))
