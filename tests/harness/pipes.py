"""Pipes that tell when all who hold them are gone."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from harness.peer import TIME_LIMIT


@asynccontextmanager
async def held_open(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """A named pipe. It comes to its end when whoever has opened it is gone, and our own end, the number, is closed."""
    os.mkfifo(path)
    reader = asyncio.StreamReader()
    read_end = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    ours = os.open(path, os.O_WRONLY)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), read_end)
    try:
        async with asyncio.timeout(TIME_LIMIT):
            yield reader, ours
    finally:
        transport.close()
