"""`usage`: the ledger, grouped as asked."""

from typing import Annotated, Literal

from pydantic import Field

from agentrouted_protocol.base import Params, SentParams, WireModel

GroupKey = Literal["model", "provider", "client", "workspace", "session", "agent", "day", "kind"]


class UsageParams(Params):
    since: str | None = None
    """Times are ISO 8601, UTC; `until` is not included."""

    until: str | None = None
    group_by: list[GroupKey] = []
    """One row for each combination of these; none gives totals only. A `day` is one of UTC."""

    run_id: str | None = None
    """Only this run's, with those of the agents that it has called; if another run has begun it, its own only."""

    session_id: str | None = None
    """Only those of its runs, with the agents that they have called."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000
    """Rows of one answer; the totals are always those of all."""

    cursor: str | None = None
    """`nextCursor` of the page before."""


class UsageTotals(WireModel):
    calls: int
    """Model calls."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost_usd: float
    """US dollars."""

    unpriced: int
    """Calls whose price is unknown: their cost is not in `costUsd`."""

    estimated: int
    """Calls whose tokens were counted by us."""

    errors: int
    """Calls that have failed, or were under way when their daemon was killed."""

    cancelled: int
    local: int = 0
    """Calls of models on this machine."""

    crossed: int = 0
    """Calls that left this machine, though their chain of endpoints has begun on it."""


class UsageRow(UsageTotals):
    """Totals of one combination of the keys in `groupBy`; the other keys are absent."""

    model: str | None = None
    provider: str | None = None
    client: str | None = None
    workspace: str | None = None
    session: str | None = None
    agent: str | None = None
    day: str | None = None
    kind: str | None = None


BudgetUnit = Literal["usd", "tokens", "calls"]


class BudgetState(WireModel):
    """Where a budget of the config stands; one that has several amounts stands here once for each."""

    name: str
    unit: BudgetUnit = "usd"
    """Of `limit`, `spent` and `reserved`: US dollars, tokens, or model calls."""

    limit: float
    spent: float
    reserved: float
    """Of calls that are running."""

    resets_at: str | None = None
    """ISO 8601, UTC."""


class UsageResult(WireModel):
    rows: list[UsageRow]
    totals: UsageTotals
    budgets: list[BudgetState] = []
    next_cursor: str | None = None
    """Where the next page of rows begins; absent on the last one."""


class UsageDidReachBudgetParams(SentParams):
    name: str
    percent: Literal[80, 100]
    unit: BudgetUnit = "usd"
    """Of `spent` and `limit`."""

    spent: float
    limit: float
    resets_at: str | None = None
    """ISO 8601, UTC; left out of a budget for each run."""
