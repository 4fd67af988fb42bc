"""`agentrouted run`: a prompt, and its answer as it comes."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, get_args

from agentrouted.cli.answer import Answer, AnswerInJson, AnswerInWords, OutputAsJson
from agentrouted.cli.door import daemon, shared_daemon
from agentrouted.cli.following import cancelled_by_interrupt, show_run
from agentrouted.cli.terminal import say
from agentrouted.core.endpoint import Boundary
from agentrouted.core.errors import InvalidParams
from agentrouted.server.diagnostics import refusal
from agentrouted_protocol.config import ConfigDidReloadParams
from agentrouted_protocol.runs import RunAgentParams, RunResult, RunStarted

EXAMPLE = 'agentrouted run "Say hello." -m ollama/llama3'

_NOT_OF_THE_RUN = {"json", "detach"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", help="what to say to the model; - reads it from stdin")
    parser.add_argument("-m", "--model", help="a model string, such as anthropic/claude-sonnet-4 or ollama/llama3")
    parser.add_argument("-a", "--agent", metavar="NAME", help="an agent that the config names")
    parser.add_argument("-i", "--instructions", metavar="TEXT", help="what the model is told before the prompt")
    parser.add_argument(
        "--mcp",
        action="append",
        dest="mcp_servers",
        metavar="NAME",
        help="an MCP server of the config whose tools the model may call; may be given more than once",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="a JSON Schema: the answer is JSON that fits it, and no more"
    )
    parser.add_argument(
        "-s", "--session", dest="session_id", metavar="NAME", help="go on with this conversation, or begin it"
    )
    parser.add_argument(
        "--boundary", choices=get_args(Boundary), help="what the run may not leave, whatever its chain says"
    )
    parser.add_argument("--base-url", metavar="URL", help="ask this server, in place of the usual one")
    parser.add_argument("--max-turns", type=int, metavar="N", help="model calls at most")
    parser.add_argument("--max-cost", type=float, metavar="USD", help="what the run may cost, in US dollars")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="output tokens of one model call at most")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="for the whole run")
    parser.add_argument(
        "--detach", action="store_true", help="print the run's id and leave it to the shared daemon; see `runs attach`"
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.prompt == "-":
        arguments.prompt = sys.stdin.read()
    said = {name: value for name, value in vars(arguments).items() if value is not None}
    options = {name: value for name, value in said.items() if name not in _NOT_OF_THE_RUN}
    if arguments.output:
        options["output"] = _schema(arguments.output)
    if arguments.detach:
        return asyncio.run(_leave(options, as_json=arguments.json))
    answer = AnswerInJson() if arguments.json else OutputAsJson() if arguments.output else AnswerInWords()
    result = asyncio.run(_run(options, answer))
    if result.stop_reason == "cancelled":
        return 130
    return 1 if arguments.output and result.stop_reason != "end_turn" else 0


async def _run(options: dict[str, Any], answer: Answer) -> RunResult:
    with answer:
        async with daemon(answer.approve) as client:
            client.on("config/didReload", _warn)
            run = client.run_agent(**options)
            with cancelled_by_interrupt(run):
                result = await show_run(run, answer)
        answer.show_result(result)
    return result


async def _leave(options: dict[str, Any], *, as_json: bool) -> int:
    async with shared_daemon() as client:
        client.on("config/didReload", _warn)
        started: RunStarted = await client.request("runAgent", RunAgentParams(**options, detach=True))
    print(json.dumps(started.to_wire()) if as_json else started.run_id)
    say(f"`agentrouted runs attach {started.run_id}` shows what it does")
    return 0


def _warn(reload: ConfigDidReloadParams) -> None:
    """Of a file that is broken: without a word, the defaults would be in force."""
    if any(problem.severity == "error" for problem in reload.problems):
        say(("warning:", "yellow"), f" {refusal(None, reload.problems)}")


def _schema(file: Path) -> dict[str, Any]:
    try:
        schema = json.loads(file.read_text())
    except ValueError as error:
        raise InvalidParams(f"{file} is not JSON: {error}", hint="write a JSON Schema into it") from error
    if not isinstance(schema, dict):
        raise InvalidParams(f"{file} is no JSON Schema of an answer", hint='write one, such as {"type": "object"}')
    return schema
