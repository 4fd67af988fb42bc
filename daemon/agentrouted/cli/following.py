"""A run, shown as it goes on."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from agentrouted.cli.answer import Answer
from agentrouted_client import RpcError, Run
from agentrouted_protocol.runs import RunResult


async def show_run(run: Run, answer: Answer) -> RunResult:
    """Its events as they come. Raises what the run raises, after its bill."""
    try:
        async for event in run:
            answer.show(event)
        return await run.result
    except RpcError as error:
        if error.data and error.data.usage:
            answer.show_bill(error.data.usage)
        raise


@contextmanager
def cancelled_by_interrupt(run: Run) -> Iterator[None]:
    """The first Ctrl-C asks for the bill; the second does not wait for it."""
    loop = asyncio.get_running_loop()
    cancelling = []

    def cancel() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        cancelling.append(asyncio.ensure_future(run.cancel()))

    loop.add_signal_handler(signal.SIGINT, cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
