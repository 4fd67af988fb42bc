"""`config/*`."""

from agentrouted.server.session import ClientSession
from agentrouted_protocol.base import NoParams
from agentrouted_protocol.config import (
    ConfigGetParams,
    ConfigGetResult,
    ConfigReloadResult,
    ConfigValidateParams,
    ConfigValidateResult,
)


def get_config(session: ClientSession, params: ConfigGetParams) -> ConfigGetResult:
    return session.core.services.config.describe(params.path)


async def reload_config(session: ClientSession, params: NoParams) -> ConfigReloadResult:
    return await session.core.services.config.reload()


async def validate_config(session: ClientSession, params: ConfigValidateParams) -> ConfigValidateResult:
    return await session.core.services.config.validate(params.text)
