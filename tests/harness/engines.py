"""An embedded engine, asked as any server is."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from agentrouted.core.local.process import RunningEngine

HELLO = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}


@asynccontextmanager
async def request(engine: RunningEngine, path: str, body: object, key: str) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_unix_connection(engine.socket_path)
    content = b"" if body is None else json.dumps(body).encode()
    head = f"Connection: close\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: engine\r\n{head}".encode() + content)
    try:
        yield reader
    finally:
        writer.close()


async def ask(engine: RunningEngine, path: str, body: object = None, key: str | None = None) -> tuple[int, Any]:
    async with request(engine, path, body, key or engine.api_key.get_secret_value()) as reader:
        head, _, reply = (await reader.read()).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(reply)


async def chat(engine: RunningEngine, **body: object) -> Any:
    status, reply = await ask(engine, "/v1/chat/completions", HELLO | body)
    assert status == 200, reply
    return reply["choices"][0]["message"]


async def gone(pid: int) -> None:
    """Returns when there is no such process, not even a zombie."""
    with suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            await asyncio.sleep(0)
