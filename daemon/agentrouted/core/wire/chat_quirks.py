"""Where vendors of chat completions differ from OpenAI."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from agentrouted.core.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Quirks:
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Parameters that it calls otherwise."""

    refused: frozenset[str] = frozenset()
    """Parameters that it answers with an error."""

    names_tools: bool = True
    """False where `tool_choice` may say that a tool is to be called, but not which."""


_BY_PROVIDER: Final[Mapping[str, Quirks]] = {
    # The o and gpt-5 models refuse the older name; all take the newer.
    "openai": Quirks(renamed={"max_tokens": "max_completion_tokens"}),
    # LM Studio answers 400 to the object that names a tool; llama.cpp, also the embedded one, takes it for "auto".
    "llamacpp": Quirks(names_tools=False),
    "lm_studio": Quirks(names_tools=False),
    "local": Quirks(names_tools=False),
    "mistral": Quirks(renamed={"seed": "random_seed"}, refused=frozenset({"stream_options"})),
}
_NONE: Final = Quirks()

# Families that answer 400 if a turn with tool calls comes back without the reasoning that led to it.
_WANT_REASONING_BACK: Final = ("deepseek", "kimi", "moonshot")


def quirks_of(endpoint: Endpoint) -> Quirks:
    return _BY_PROVIDER.get(endpoint.provider, _NONE)


def wants_reasoning_back(endpoint: Endpoint) -> bool:
    name = f"{endpoint.provider}/{endpoint.model_id}".lower()
    return any(family in name for family in _WANT_REASONING_BACK)
