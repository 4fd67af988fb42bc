"""Runs of the core in this process, on a home of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentrouted.core.agent.runs import OpenJournal, Runs
from agentrouted.core.config.environment import Environment
from agentrouted.core.services import open_services
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.runs import RunAgentParams


@asynccontextmanager
async def runs(home: Path, config: str = "", open_journal: OpenJournal | None = None) -> AsyncIterator[Runs]:
    """Runs that read `config` as their configuration file."""
    if config:
        (home / ".agentroute").mkdir(exist_ok=True)
        (home / ".agentroute/config.yaml").write_text(config)
    environment = Environment({"XDG_RUNTIME_DIR": str(home)}, home, home)
    async with open_services(environment) as services:
        all_runs = Runs(services, open_journal)
        yield all_runs
        await all_runs.aclose()


def asked(upstream: Upstream, **more: Any) -> RunAgentParams:
    return RunAgentParams.model_validate({"model": f"{upstream.url}/test-model", "prompt": "Hi", **more})
