"""The `models` section: names of your own for models."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from agentrouted.core.config.section import Section, Text, stripped


class ChainLink(Section):
    """One endpoint of a virtual model: `groq/llama-3.3-70b`, or `{provider: groq, model: llama-3.3-70b}`."""

    provider: Text | None = None
    """None where `model` is a whole model string."""

    model: Annotated[Text, Field(validation_alias=AliasChoices("model", "service_id"))]
    """The provider's own name of the model. `service_id` is read as well, as other routers call it so."""

    @property
    def text(self) -> str:
        """As a model string."""
        return f"{self.provider}/{self.model}" if self.provider else self.model


def _chain_link(value: Any) -> Any:
    return {"model": stripped(value)} if isinstance(value, str) else value


def _virtual_model(value: Any) -> Any:
    if isinstance(value, str):
        return {"endpoints": [value]}
    return {"endpoints": value} if isinstance(value, list) else value


class VirtualModel(Section):
    """A chain of endpoints under a name. A model string, or a list of them, is short for `endpoints`."""

    endpoints: Annotated[
        tuple[Annotated[ChainLink, BeforeValidator(_chain_link, json_schema_input_type=str | dict[str, str])], ...],
        Field(min_length=1),
    ]
    """Tried in this order until one answers: model strings, or `{provider, model}`."""

    strategy: Literal["priority"] = "priority"
    """How the next endpoint is chosen: in order."""

    fallback_on: frozenset[Literal["context_overflow", "model_missing"]] = frozenset()
    """When to go on to the next endpoint besides connection errors, timeouts, rate limits and faults of the server."""


Chain = Annotated[VirtualModel, BeforeValidator(_virtual_model, json_schema_input_type=str | list[str] | VirtualModel)]
