"""The `models` section: names of your own for models."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, field_validator

from agentrouted.core.config.section import Seconds, Section, Text, Weight, refuse, stripped
from agentrouted.core.endpoint import Boundary, Strategy


class ChainLink(Section):
    """One endpoint of a virtual model: `groq/llama-3.3-70b`, or `{provider: groq, model: llama-3.3-70b}`."""

    provider: Text | None = None
    """Left out where `model` is a whole model string."""

    model: Annotated[Text, Field(validation_alias=AliasChoices("model", "service_id"))]
    """The provider's own name of the model. `service_id` is read as well, as other routers call it so."""

    weight: Weight = 1.0
    """Its share under the strategy `balance`: with 3 beside a 1, three runs of four begin with it."""

    @property
    def text(self) -> str:
        """As a model string."""
        return f"{self.provider}/{self.model}" if self.provider else self.model


def _chain_link(value: Any) -> Any:
    return {"model": stripped(value)} if isinstance(value, str) else value


Endpoint = Annotated[ChainLink, BeforeValidator(_chain_link, json_schema_input_type=str | dict[str, str])]


class VirtualModel(Section):
    """A chain of endpoints under a name. A model string, or a list of them, is short for `endpoints`."""

    endpoints: tuple[Endpoint, ...]
    """Tried in this order until one answers: model strings, or `{provider, model}`. Under a pattern, a `*` in them
    stands for what the pattern's `*` has matched."""

    strategy: Strategy = "priority"
    """Whom a run asks first: `priority` the first of the list, `balance` one by chance and by `weight`, `cheapest` the
    one with the lowest price, `fastest` the one whose replies lately began soonest. The others follow in that order."""

    hedge_after: Seconds | None = None
    """Seconds without a word after which the next endpoint is asked as well: who speaks first answers, and the others
    are cancelled. What they have cost until then is on the bill. Of names that lead to each other, the one that the run
    asks for says it."""

    boundary: Boundary | None = None
    """`local`: nothing leaves this machine. `free`: nothing is called that costs money, or whose price is not known."""

    fallback_on: frozenset[Literal["context_overflow", "model_missing"]] = frozenset()
    """When to go on to the next endpoint besides connection errors, timeouts, rate limits and faults of the server. Of
    names that lead to each other, the one that the run asks for says it."""

    @field_validator("endpoints")
    @classmethod
    def _at_least_one(cls, endpoints: tuple[ChainLink, ...]) -> tuple[ChainLink, ...]:
        if not endpoints:
            raise refuse("must have at least one endpoint")
        return endpoints


def _virtual_model(value: Any) -> Any:
    if isinstance(value, str):
        return {"endpoints": [value]}
    return {"endpoints": value} if isinstance(value, list) else value


Chain = Annotated[VirtualModel, BeforeValidator(_virtual_model, json_schema_input_type=str | list[str] | VirtualModel)]
