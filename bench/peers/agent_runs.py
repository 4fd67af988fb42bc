"""Runs agents when told to on stdin, and says what they took."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

Run = Callable[[], Awaitable[str]]


def serve(opened: Callable[[str], AbstractAsyncContextManager[Run]]) -> None:
    """`opened` gives, for the address of a model server, a function that makes one run and returns its text.

    Each line is `sequential N` or `together N`; the answer is seconds of CPU, seconds, and how many runs failed.
    """
    asyncio.run(_serve(opened))


async def _serve(opened: Callable[[str], AbstractAsyncContextManager[Run]]) -> None:
    async with opened(sys.argv[1]) as run:
        while line := await asyncio.to_thread(sys.stdin.readline):
            how, times = line.split()
            cpu, clock = time.process_time(), time.perf_counter()
            failed = await (_sequential if how == "sequential" else _together)(run, int(times))
            print(json.dumps([time.process_time() - cpu, time.perf_counter() - clock, failed]), flush=True)


async def _sequential(run: Run, times: int) -> int:
    answers = [await run() for _ in range(times)]
    return times - answers.count("Hello world")


async def _together(run: Run, times: int) -> int:
    answers = await asyncio.gather(*(run() for _ in range(times)), return_exceptions=True)
    return times - answers.count("Hello world")
