"""How far a run may go."""

from dataclasses import dataclass, fields
from typing import Any, Final

from agentrouted.core.config.agent import Caps
from agentrouted_protocol.runs import RunAgentParams

DEFAULT_MAX_TURNS: Final = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """None is no limit. Dollars, tokens and seconds; the token sums are of all model calls together."""

    max_turns: int = DEFAULT_MAX_TURNS
    max_cost: float | None = None
    max_tokens: int | None = None
    """Output tokens of one model call."""

    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    timeout: float | None = None
    idle_timeout: float | None = None


def strictest(params: RunAgentParams, agent: Caps, caps: Caps) -> Limits:
    """Of what the run, its agent and the daemon say, the strictest."""
    unsaid = (Limits(),) if params.max_turns is agent.max_turns is None else ()
    voices = (params, agent, caps, *unsaid)
    return Limits(*(_least(name, voices) for name in _NAMES))


_NAMES: Final = tuple(field.name for field in fields(Limits))


def _least(name: str, voices: tuple[Caps | RunAgentParams | Limits, ...]) -> Any:
    return min([said for voice in voices if (said := getattr(voice, name)) is not None], default=None)
