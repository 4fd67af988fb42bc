"""A request, without what its endpoint does not take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.quirks.profile import Quirks, quirks_of
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.parts import parts_out_of_place
from agentrouted_protocol.runs import Sampling, Think


@dataclass(frozen=True, slots=True)
class Suited:
    """`request.sampling.think` is the endpoint's own word for it, also where the config has said it."""

    request: ModelRequest
    warnings: tuple[str, ...] = ()
    """What is left out, told to people."""


def suited(endpoint: Endpoint, request: ModelRequest) -> Suited:
    wished = endpoint.think if request.sampling.think is None else request.sampling.think
    given = {name: value for name in _PARAMETERS if (value := getattr(request.sampling, name)) is not None}
    if wished is None and request.max_tokens is None and not given:
        return Suited(request, tuple(parts_out_of_place(endpoint, request.messages)))
    quirks = quirks_of(endpoint)
    think, dropped_think = _think(quirks, wished)
    dropped = _refused(quirks, given, is_thinking=bool(think))
    sampling = Sampling.model_construct(
        **{name: value for name, value in given.items() if name not in dropped}, think=think
    )
    max_tokens = request.max_tokens
    if max_tokens is not None and quirks.parameters.get("max_tokens") is False:
        dropped["max_tokens"], max_tokens = "", None
    warnings = [*_told(endpoint, dropped | dropped_think), *parts_out_of_place(endpoint, request.messages)]
    return Suited(replace(request, sampling=sampling, max_tokens=max_tokens), tuple(warnings))


_PARAMETERS = tuple(name for name in Sampling.model_fields if name != "think")


def _think(quirks: Quirks, wished: Think | None) -> tuple[Think | None, dict[str, str]]:
    """The word for it, and why there is none."""
    if wished is None:
        return None, {}
    name = wished if isinstance(wished, str) else "default" if wished else "none"
    word: Any = quirks.efforts.get(name, name)
    if word is False:
        return None, {"think": ""}
    return {"default": True, "none": False}.get(word, word), {}


def _refused(quirks: Quirks, given: Mapping[str, Any], *, is_thinking: bool) -> dict[str, str]:
    """By parameter, when it is refused."""
    refused = {name: "" for name in given if quirks.parameters.get(name) is False}
    if is_thinking:
        while_thinking = (name for name in given if quirks.parameters_while_thinking.get(name) is False)
        refused |= {name: " while it thinks" for name in while_thinking if name not in refused}
    first, *others = [name for name in quirks.not_together if name in given and name not in refused] or [""]
    return refused | dict.fromkeys(others, f" beside `{first}`")


def _told(endpoint: Endpoint, dropped: Mapping[str, str]) -> Iterator[str]:
    for name, when in dropped.items():
        yield f"`{name}` is left out: {endpoint.provider}/{endpoint.model_id} does not take it{when}"
