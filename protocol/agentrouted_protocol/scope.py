"""Whose memory it is."""

from agentrouted_protocol.base import WireModel


class Scope(WireModel):
    """Closed by default: what is not named is not seen."""

    workspace: str | None = None
    user: str | None = None
    agent: str | None = None
    session: str | None = None
