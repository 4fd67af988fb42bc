"""The command line, run as a person or a script would."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.peer import TIME_LIMIT, clean_environment

AGENTROUTED = (sys.executable, "-P", "-m", "agentrouted")


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


async def agentrouted(home: Path, *arguments: str, stdin: str = "", **environment: str) -> Outcome:
    """Runs to its end, in a home folder of its own."""
    async with started(home, *arguments, **environment) as process, asyncio.timeout(TIME_LIMIT):
        out, err = await process.communicate(stdin.encode())
        return Outcome(process.returncode or 0, out.decode(), err.decode())


@asynccontextmanager
async def started(home: Path, *arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *AGENTROUTED, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=clean_environment(home, **environment)
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
