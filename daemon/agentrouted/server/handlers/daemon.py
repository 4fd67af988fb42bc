"""`daemon/status`."""

from agentrouted.server.session import ClientSession
from agentrouted_protocol.base import NoParams
from agentrouted_protocol.daemon import DaemonStatus


def status(session: ClientSession, params: NoParams) -> DaemonStatus:
    return session.core.status()
