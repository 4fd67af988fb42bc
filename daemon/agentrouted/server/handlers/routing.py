"""`resolveModel`."""

from collections.abc import Coroutine
from typing import Any

from agentrouted.server.session import ClientSession
from agentrouted_protocol.routing import ResolveModelParams


def resolve_model(session: ClientSession, params: ResolveModelParams) -> bytes | Coroutine[Any, Any, bytes]:
    workspace = session.caller.workspace
    return session.core.routes.resolve(params, workspace=workspace, asks_client=session.options.secrets)
