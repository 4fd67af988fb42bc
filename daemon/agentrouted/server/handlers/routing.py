"""`resolveModel`."""

from agentrouted.server.session import ClientSession
from agentrouted_protocol.routing import ResolveModelParams


def resolve_model(session: ClientSession, params: ResolveModelParams) -> bytes:
    return session.core.routes.resolve(params)
