"""`agentrouted run`: a prompt, and its answer as it comes."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from agentrouted.cli.answer import AnswerInJson, AnswerInWords
from agentrouted.cli.door import daemon
from agentrouted_client import RpcError, Run

EXAMPLE = 'agentrouted run "Say hello." -m ollama/llama3'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", help="what to say to the model; - reads it from stdin")
    parser.add_argument("-m", "--model", help="a model string, such as anthropic/claude-sonnet-4 or ollama/llama3")
    parser.add_argument("-a", "--agent", metavar="NAME", help="an agent that the config names")
    parser.add_argument("-i", "--instructions", metavar="TEXT", help="what the model is told before the prompt")
    parser.add_argument("--base-url", metavar="URL", help="ask this server, in place of the usual one")
    parser.add_argument("--max-turns", type=int, metavar="N", help="model calls at most")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="output tokens of one model call at most")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="for the whole run")


def run(arguments: argparse.Namespace) -> int:
    if arguments.prompt == "-":
        arguments.prompt = sys.stdin.read()
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    options = {name: value for name, value in vars(arguments).items() if name != "json" and value is not None}
    with AnswerInJson() if arguments.json else AnswerInWords() as answer:
        async with daemon() as client:
            run = client.run_agent(**options)
            with _cancelled_by_interrupt(run):
                try:
                    async for event in run:
                        answer.show(event)
                    result = await run.result
                except RpcError as error:
                    if error.data and error.data.usage:
                        answer.show_bill(error.data.usage)
                    raise
        answer.show_result(result)
    return 130 if result.stop_reason == "cancelled" else 0


@contextmanager
def _cancelled_by_interrupt(run: Run) -> Iterator[None]:
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
