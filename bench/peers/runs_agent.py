"""The same run by our `Agent`, in Python."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agentrouted import Agent
from bench.peers.agent_runs import Run, serve


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Run]:
    agent = Agent("bench", model=f"{url}/test-model")

    async def run() -> str:
        return str(await agent.arun("Hi"))

    yield run


serve(opened)
