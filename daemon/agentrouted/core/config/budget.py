"""The budgets of the configuration file."""

from typing import Literal, Self

from pydantic import model_validator

from agentrouted.core.config.section import Count, Dollars, Section, Text, refuse


class BudgetMatch(Section):
    """Which model calls it counts: those that fit all that is named. `*` stands for anything, `?` for one character."""

    client: Text | None = None
    """The name of the client."""

    workspace: Text | None = None
    """The folder that the client works in."""

    agent: Text | None = None
    """A name under `agents`."""

    provider: Text | None = None
    """Such as `openrouter`, or a name under `providers`."""

    model: Text | None = None
    """The model's own name at its provider."""


class Budget(Section):
    """What may be spent, by all clients of all daemons of this machine together. Of `usd`, `tokens` and `calls`, each
    that is given holds."""

    usd: Dollars | None = None
    """US dollars."""

    tokens: Count | None = None
    """Of prompts and replies together."""

    calls: Count | None = None
    """Model calls that did not fail."""

    per: Literal["hour", "day", "month", "run"]
    """Hours, days and months are those of UTC; a run is one with all agents that it calls."""

    match: BudgetMatch = BudgetMatch()
    """Which model calls it counts; all if left out."""

    on_breach: Literal["refuse", "ask"] = "refuse"
    """`ask` asks the client whether the call may be made all the same; without an answer it is refused."""

    unknown_price: Literal["refuse", "count_tokens", "allow"] = "refuse"
    """Of `usd`, at a model elsewhere whose price is not known: `count_tokens` counts such calls in `tokens` only,
    `allow` counts what the provider reports, when it does."""

    @model_validator(mode="after")
    def _has_an_amount(self) -> Self:
        if self.usd is self.tokens is self.calls is None:
            raise refuse("has no amount", "give it `usd`, `tokens` or `calls`")
        if self.unknown_price == "count_tokens" and self.tokens is None:
            raise refuse("counts tokens where a price is unknown, and has no `tokens`", "say how many there may be")
        return self
