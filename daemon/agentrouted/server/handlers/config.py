"""`config/*`."""

from agentrouted.core.config.describe import effective
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
    snapshot = session.snapshot
    return ConfigGetResult(
        generation=snapshot.generation,
        file=str(snapshot.path) if snapshot.path else None,
        values=effective(snapshot, params.path),
        problems=list(snapshot.problems),
    )


async def reload_config(session: ClientSession, params: NoParams) -> ConfigReloadResult:
    return await session.core.services.config.reload(session.folders)


async def validate_config(session: ClientSession, params: ConfigValidateParams) -> ConfigValidateResult:
    problems = await session.core.services.config.validate(params.text)
    return ConfigValidateResult(ok=not any(problem.severity == "error" for problem in problems), problems=problems)
