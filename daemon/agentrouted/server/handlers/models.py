"""`model/list` and `model/probe`."""

from agentrouted.core.models.probe import probe
from agentrouted.server.session import ClientSession
from agentrouted_protocol.routing import ModelListParams, ModelListResult, ModelProbeParams, ModelProbeResult


async def list_models(session: ClientSession, params: ModelListParams) -> ModelListResult:
    folders = session.folders
    return await session.core.models.answer(params, folders=folders, asks_client=session.options.secrets)


async def probe_model(session: ClientSession, params: ModelProbeParams) -> ModelProbeResult:
    host = session.host(params)
    return await probe(session.core.services, params, session.caller, host.get_secret if host.takes_secrets else None)
