"""What is particular about an endpoint, laid together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.quirks.table import FAMILIES, FORMATS, PROVIDERS

ThinkField = Literal["effort", "reasoning", "thinking", "template"]


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a request to an endpoint is written. The fields are the keys of `quirks` in the config."""

    parameters: Mapping[str, bool | str] = field(default_factory=dict)
    """By parameter: its name there, or false if it is refused."""

    parameters_while_thinking: Mapping[str, bool | str] = field(default_factory=dict)
    """The same for requests that ask the model to think."""

    not_together: tuple[str, ...] = ()
    """Parameters of which a request may have one: the first that is given is sent."""

    efforts: Mapping[str, str | bool] = field(default_factory=dict)
    """By how hard a model is to think, the word for it, or false if it cannot be said. `none` is for not at all, and
    `default` for as hard as it likes."""

    think_field: ThinkField = "effort"
    """Where a chat completion says it: `reasoning_effort`, or the objects `reasoning`, `thinking` or
    `chat_template_kwargs`."""

    names_tools: bool = True
    """False where a request may say that a tool is to be called, but not which."""

    file_addresses: bool = True
    """False where a file has to come along: its address is not enough."""

    reasoning_back: bool = False
    """True where turns with tool calls have to come back with the reasoning that led to them."""

    key_header: str | None = None
    """The header that carries the key, where it is not the one of the format."""


def quirks_of(endpoint: Endpoint) -> Quirks:
    """Layers, each over the one before: format, provider, family of the model, what was probed, the config."""
    if not (endpoint.probed or endpoint.quirks):
        return _known(endpoint.wire, endpoint.provider, endpoint.model_id)
    known = _layers(endpoint.wire, endpoint.provider, endpoint.model_id)
    return Quirks(**laid(*known, endpoint.probed, endpoint.quirks))


def laid(*layers: Mapping[str, Any]) -> Mapping[str, Any]:
    """A mapping inside a layer adds to those below; anything else takes their place."""
    whole: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            below = whole.get(name)
            both = isinstance(below, dict) and isinstance(value, dict)
            whole[name] = {**whole[name], **value} if both else value
    return whole


@lru_cache(maxsize=1024)
def _known(wire: str, provider: str, model_id: str) -> Quirks:
    return Quirks(**laid(*_layers(wire, provider, model_id)))


def _layers(wire: str, provider: str, model_id: str) -> list[Mapping[str, Any]]:
    name = f"{provider}/{model_id}".lower()
    families = (layer for pattern, layer in FAMILIES if pattern.search(name))
    return [FORMATS.get(wire, {}), PROVIDERS.get(provider, {}), *families]
