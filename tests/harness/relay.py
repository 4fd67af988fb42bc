"""A connection that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def relayed(at: Path, to: Path) -> AsyncIterator[Callable[[], None]]:
    """Joins whoever connects `at` with the socket `to`, until what is yielded is called."""
    writers: list[asyncio.StreamWriter] = []
    passing: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(to)
        writers.extend((writer, back))
        passing.update(asyncio.create_task(_pass(*way)) for way in ((reader, back), (there, writer)))

    def cut() -> None:
        for writer in writers:
            writer.close()

    async with await asyncio.start_unix_server(connected, at):
        yield cut
        cut()
        await asyncio.gather(*passing)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
    writer.close()
