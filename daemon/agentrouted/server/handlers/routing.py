"""`resolveModel`."""

from collections.abc import Coroutine
from typing import Any

from agentrouted.server.session import ClientSession
from agentrouted_protocol.routing import ResolveModelParams


def resolve_model(session: ClientSession, params: ResolveModelParams) -> bytes | Coroutine[Any, Any, bytes]:
    return session.core.routes.resolve(params, folders=session.folders, asks_client=session.options.secrets)
