"""One thing that `agentrouted doctor` has looked at."""

from typing import Literal

from agentrouted_protocol.base import WireModel

State = Literal["ok", "note", "broken"]


class Check(WireModel):
    name: str
    state: State
    finding: str
    mend: str | None = None
    """A command, or what to write where."""
