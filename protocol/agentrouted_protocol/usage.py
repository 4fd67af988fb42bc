"""`usage`: the ledger, grouped as asked."""

from typing import Literal

from agentrouted_protocol.base import Params, WireModel

GroupKey = Literal["model", "provider", "client", "workspace", "session", "agent", "day", "kind"]


class UsageParams(Params):
    since: str | None = None
    """Times are ISO 8601, UTC; `until` is not included."""

    until: str | None = None
    group_by: list[GroupKey] = []
    run_id: str | None = None
    session_id: str | None = None


class UsageTotals(WireModel):
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost_usd: float
    unpriced: int
    """Calls whose price is unknown: their cost is not in `costUsd`."""

    estimated: int
    errors: int
    cancelled: int


class UsageRow(UsageTotals):
    model: str | None = None
    provider: str | None = None
    client: str | None = None
    workspace: str | None = None
    session: str | None = None
    agent: str | None = None
    day: str | None = None
    kind: str | None = None


class BudgetState(WireModel):
    name: str
    limit: float
    spent: float
    reserved: float
    resets_at: str | None = None


class UsageResult(WireModel):
    rows: list[UsageRow]
    totals: UsageTotals
    budgets: list[BudgetState] = []


class UsageDidReachBudgetParams(Params):
    name: str
    percent: Literal[80, 100]
    spent: float
    limit: float
