"""The `models` section: names of your own for models."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, field_validator

from agentrouted.core.config.section import Section, Text, refuse, stripped


class ChainLink(Section):
    """One endpoint of a virtual model: `groq/llama-3.3-70b`, or `{provider: groq, model: llama-3.3-70b}`."""

    provider: Text | None = None
    """Left out where `model` is a whole model string."""

    model: Annotated[Text, Field(validation_alias=AliasChoices("model", "service_id"))]
    """The provider's own name of the model. `service_id` is read as well, as other routers call it so."""

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

    strategy: Literal["priority"] = "priority"
    """How the next endpoint is chosen: in order."""

    fallback_on: frozenset[Literal["context_overflow", "model_missing"]] = frozenset()
    """When to go on to the next endpoint besides connection errors, timeouts, rate limits and faults of the server."""

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
