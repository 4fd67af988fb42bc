"""Runs of our core in this process, as its doors make them."""

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agentrouted.core.agent.runs import Runs
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.journal import JournalSettings
from agentrouted.core.host import SilentHost
from agentrouted.core.journal.base import Journal
from agentrouted.core.journal.opening import open_journal
from agentrouted.core.services import open_services
from agentrouted_protocol.runs import RunAgentParams
from bench.peers.agent_runs import Run, serve


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Run]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)

        async with open_services(Environment({"XDG_RUNTIME_DIR": folder}, home, home)) as services:

            async def journal() -> Journal:
                return await open_journal(services.database.path, JournalSettings(), services.database)

            runs = Runs(services, journal if "--journal" in sys.argv else None)

            async def run() -> str:
                params = RunAgentParams(model=f"{url}/test-model", prompt="Hi")
                return (await runs.start(params, SilentHost()).result()).text

            yield run
            await runs.aclose()


serve(opened)
