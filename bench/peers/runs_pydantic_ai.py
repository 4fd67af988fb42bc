"""The same run by pydantic-ai."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from bench.peers.agent_runs import Run, serve


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Run]:
    agent = Agent(OpenAIChatModel("test-model", provider=OpenAIProvider(base_url=url, api_key="none")))

    async def run() -> str:
        return str((await agent.run("Hi")).output)

    yield run


serve(opened)
