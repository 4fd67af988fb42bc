"""Any program, with pipes at its ends."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def running(
    *command: str, environment: dict[str, str], stdin: int = PIPE, folder: Path | None = None
) -> AsyncIterator[Process]:
    """Ended with the block, if it has not ended by itself."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=stdin, stdout=PIPE, stderr=PIPE, cwd=folder, env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        # Not `wait`: the pipes are to be closed too.
        await process.communicate()
