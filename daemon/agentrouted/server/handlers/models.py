"""`model/list`."""

from agentrouted.server.session import ClientSession
from agentrouted_protocol.routing import ModelListParams, ModelListResult


async def list_models(session: ClientSession, params: ModelListParams) -> ModelListResult:
    return await session.core.models.answer(params)
