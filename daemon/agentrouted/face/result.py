"""What a run gives back: its result, and events on the way."""

from dataclasses import dataclass, field
from typing import Any

from agentrouted.face.context import Usage


@dataclass
class Event:
    """Something that happened in a run.

    `kind` is `text_delta`, `tool_call_start`, `tool_call_end`, `agent_start`, `agent_end`, … : the kinds of
    `run/event` in docs/protocol.md, in snake_case. `data` has their fields, which are attributes, too: `event.text`.
    """

    kind: str
    data: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        # Only asked where there is no attribute; `data` itself is missing while a copy is being made.
        if name != "data" and name in self.data:
            return self.data[name]
        raise AttributeError(f"an event `{self.__dict__.get('kind')}` has no `{name}`")


@dataclass
class Result:
    """How a run ended. `str(result)` is the answer."""

    output: Any
    """The text, or the value that `output=` asked for."""

    usage: Usage = field(default_factory=Usage)
    messages: list[dict[str, Any]] = field(default_factory=list)
    """The whole conversation in the shape of OpenAI, instructions first."""

    interrupted: bool = False
    text: str = ""
    """The last words of the model."""

    stop_reason: str = "end_turn"
    """`end_turn`, `max_tokens`, `refusal`, `cancelled` or `loop`."""

    run_id: str | None = None
    session_id: str | None = None
    model: str | None = None
    """The model that answered last, as `provider/id`."""

    raw: dict[str, Any] = field(default_factory=dict)
    """What the provider said with the last reply that has no place elsewhere, such as citations."""

    warnings: list[str] = field(default_factory=list)
    """What of the agent's settings could not be told to a model."""

    def __str__(self) -> str:
        return "" if self.output is None else str(self.output)
