"""The limit of httpx: one POST, and the text in its answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from bench.peers.agent_runs import Run, serve


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Run]:
    body = {"model": "test-model", "messages": [{"role": "user", "content": "Hi"}]}
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=None) as client:

        async def run() -> str:
            answer = await client.post(f"{url}/chat/completions", json=body)
            return str(answer.json()["choices"][0]["message"]["content"])

        yield run


serve(opened)
