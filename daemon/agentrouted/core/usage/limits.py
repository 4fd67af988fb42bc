"""The budgets of the config, as limits of sums of calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from os.path import normpath
from typing import Literal, NamedTuple

from agentrouted.core.config.budget import Budget
from agentrouted.core.times import text_of_time
from agentrouted.core.usage.call import Call
from agentrouted.core.usage.periods import BY_DAY, BY_HOUR, DAY, HOUR, Level
from agentrouted_protocol.usage import BudgetUnit

Period = Literal["hour", "day", "month", "run"]


class Window(NamedTuple):
    """From `start` until before `end`, and the level of sums that it is made of."""

    level: Level
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Limit:
    """One amount of one budget."""

    name: str
    unit: BudgetUnit
    amount: float
    per: Period
    patterns: tuple[tuple[str, str], ...] = ()
    """A column of `usage_keys`, and what has to stand there, as SQLite's GLOB and `fnmatch` take it."""

    def counts(self, call: Call) -> bool:
        values = {
            "client": call.caller.name,
            "workspace": call.caller.workspace,
            "agent": call.agent,
            "provider": call.provider,
            "model": call.model,
        }
        return all(fnmatchcase(values[column], pattern) for column, pattern in self.patterns)

    def window(self, at: float) -> Window:
        """The one that a time is in. A run has none of its own, and gets the longest."""
        if self.per == "hour":
            start = int(at // HOUR * HOUR)
            return Window(BY_HOUR, start, start + HOUR)
        if self.per == "day":
            start = int(at // DAY * DAY)
            return Window(BY_DAY, start, start + DAY)
        first = datetime.fromtimestamp(at // DAY * DAY, UTC).replace(day=1)
        next_one = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return Window(BY_DAY, int(first.timestamp()), int(next_one.timestamp()))

    def resets_at(self, at: float) -> str | None:
        return None if self.per == "run" else text_of_time(self.window(at).end)


@dataclass(frozen=True, slots=True)
class Held:
    """What is set aside for one call: the most that it can take."""

    usd: float = 0.0
    tokens: int = 0

    def of(self, unit: BudgetUnit) -> float:
        return {"usd": self.usd, "tokens": float(self.tokens), "calls": 1.0}[unit]


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a limit is spent, and set aside for calls that are under way."""

    limit: Limit
    spent: float
    held: float

    @property
    def left(self) -> float:
        return self.limit.amount - self.spent - self.held


@dataclass(frozen=True, slots=True)
class Reached:
    """So much of a limit was spent, for the first time in its window."""

    limit: Limit
    percent: Literal[80, 100]
    spent: float
    at: float
    """When the call that did it has begun."""


def limits_of(budgets: Mapping[str, Budget]) -> list[Limit]:
    return [
        Limit(name, unit, amount, budget.per, _patterns(budget))
        for name, budget in budgets.items()
        for unit, amount in _amounts(budget)
    ]


def _amounts(budget: Budget) -> list[tuple[BudgetUnit, float]]:
    amounts: list[tuple[BudgetUnit, float | None]] = [
        ("usd", budget.usd),
        ("tokens", budget.tokens),
        ("calls", budget.calls),
    ]
    return [(unit, float(amount)) for unit, amount in amounts if amount is not None]


def _patterns(budget: Budget) -> tuple[tuple[str, str], ...]:
    named = [(column, text) for column, text in budget.match if text is not None]
    paths = [(column, normpath(text) if column == "workspace" else text) for column, text in named]
    # A bracket is a character like others.
    return tuple((column, text.replace("[", "[[]")) for column, text in paths)
