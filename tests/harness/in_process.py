"""Runs of the core in this process, on a home of their own."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from agentrouted.core.agent.runs import OpenJournal, Runs
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.journal import JournalSettings
from agentrouted.core.journal.opening import open_journal
from agentrouted.core.services import Services, open_services
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.runs import RunAgentParams


@asynccontextmanager
async def runs(home: Path, config: str = "", opening: OpenJournal | None = None) -> AsyncIterator[Runs]:
    """Runs that read `config` as their configuration file."""
    async with _services(home, config) as services:
        all_runs = Runs(services, opening)
        yield all_runs
        await all_runs.aclose()


@asynccontextmanager
async def lasting_runs(home: Path, config: str = "") -> AsyncIterator[Runs]:
    """The same, with their journal in the one database of the process, as a daemon has it."""
    async with _services(home, config) as services:
        database = services.database
        all_runs = Runs(services, lambda: open_journal(database.path, JournalSettings(), database))
        yield all_runs
        await all_runs.aclose()


def _services(home: Path, config: str) -> AbstractAsyncContextManager[Services]:
    if config:
        (home / ".agentroute").mkdir(exist_ok=True)
        (home / ".agentroute/config.yaml").write_text(config)
    return open_services(Environment({"XDG_RUNTIME_DIR": str(home)}, home, home))


def asked(upstream: Upstream, **more: Any) -> RunAgentParams:
    return RunAgentParams.model_validate({"model": f"{upstream.url}/test-model", "prompt": "Hi", **more})
