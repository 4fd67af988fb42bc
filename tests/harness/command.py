"""The command line, run as a person or a script would."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.peer import TIME_LIMIT, clean_environment
from harness.process import running

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


async def agentrouted_in(folder: Path, home: Path, *arguments: str) -> Outcome:
    """The same, in a folder to work in."""
    command = (*AGENTROUTED, *arguments)
    async with running(*command, environment=clean_environment(home), folder=folder) as process:
        async with asyncio.timeout(TIME_LIMIT):
            out, err = await process.communicate()
        return Outcome(process.returncode or 0, out.decode(), err.decode())


def started(home: Path, *arguments: str, **environment: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    return running(*AGENTROUTED, *arguments, environment=clean_environment(home, **environment))


@asynccontextmanager
async def serving(home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A shared daemon where every command of that home finds it."""
    async with started(home, "serve") as daemon:
        async with asyncio.timeout(TIME_LIMIT):
            while not list((home / "run/agentrouted").glob("v1.sock")):
                await asyncio.sleep(0.01)
        yield daemon
