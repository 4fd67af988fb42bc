"""`model/list`."""

from agentrouted.core.models import list_models as list_known_models
from agentrouted.server.session import ClientSession
from agentrouted_protocol.routing import ModelListParams, ModelListResult


async def list_models(session: ClientSession, params: ModelListParams) -> ModelListResult:
    return await list_known_models(session.core.services, params)
