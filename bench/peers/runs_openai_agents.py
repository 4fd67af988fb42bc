"""The same run by OpenAI's Agents SDK, without its tracing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from openai import AsyncOpenAI

from bench.peers.agent_runs import Run, serve


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Run]:
    set_tracing_disabled(True)
    model = OpenAIChatCompletionsModel("test-model", AsyncOpenAI(base_url=url, api_key="none"))
    agent = Agent(name="bench", model=model)

    async def run() -> str:
        return str((await Runner.run(agent, "Hi")).final_output)

    yield run


serve(opened)
