"""Whose memory it is."""

from agentrouted_protocol.base import WireModel


class Scope(WireModel):
    """Closed by default: only what was kept under exactly the same names is seen. An empty name is none."""

    workspace: str | None = None
    user: str | None = None
    agent: str | None = None
    session: str | None = None
