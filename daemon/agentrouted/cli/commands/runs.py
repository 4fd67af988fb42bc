"""`agentrouted runs`: what runs have done, and go on doing."""

import argparse
import asyncio
import json
from datetime import datetime
from typing import Final, get_args

from agentrouted.cli.answer import Answer, AnswerInJson, AnswerInWords, bill
from agentrouted.cli.door import daemon
from agentrouted.cli.following import show_run
from agentrouted.cli.messages import show_messages
from agentrouted.cli.subcommands import add_subcommands
from agentrouted.cli.terminal import show, show_table
from agentrouted.core.errors import NotFound
from agentrouted_client import Client, RpcError
from agentrouted_protocol.runs import RunCancelResult, RunGetResult, RunIdParams, RunStatus, RunSummary

EXAMPLE = "agentrouted runs --status interrupted"
DEFAULT = "list"

_SUMMARIES: Final = {
    "list": "list them, the newest first; this is done without a command, too",
    "show": "show what one has said and done",
    "attach": "show all that one has done, and what it does",
    "resume": "go on with one that was interrupted",
    "cancel": "end one",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = add_subcommands(parser, _SUMMARIES)
    listing = commands.pop("list")
    listing.add_argument("--status", choices=get_args(RunStatus), help="those of this status only")
    listing.add_argument("-n", "--limit", type=int, default=20, metavar="N", help="so many at most; 20 by default")
    for command in commands.values():
        command.add_argument("run_id", metavar="ID", help="of the run, as `agentrouted runs` shows it")


def run(arguments: argparse.Namespace) -> int:
    try:
        return asyncio.run(_run(arguments))
    except RpcError as error:
        if error.kind != "notFound":
            raise
        raise NotFound(error.message, hint="`agentrouted runs` lists those that are kept") from error


async def _run(arguments: argparse.Namespace) -> int:
    answer = AnswerInJson() if arguments.json else AnswerInWords()
    async with daemon(answer.approve) as client:
        if arguments.what == "list":
            return await _list(client, arguments)
        if arguments.what == "show":
            return await _show(client, arguments.run_id, as_json=arguments.json)
        if arguments.what == "cancel":
            return await _cancel(client, arguments.run_id, as_json=arguments.json)
        return await _follow(client, arguments, answer)


async def _list(client: Client, arguments: argparse.Namespace) -> int:
    runs = await client.runs(status=arguments.status, limit=arguments.limit)
    if arguments.json:
        print(json.dumps([run.to_wire() for run in runs]))
    else:
        show_table([_row(run) for run in runs])
    return 0


async def _show(client: Client, run_id: str, *, as_json: bool) -> int:
    run = await client.run(run_id)
    if as_json:
        print(json.dumps(run.to_wire()))
    else:
        _show_in_words(run)
    return 0


async def _follow(client: Client, arguments: argparse.Namespace, answer: Answer) -> int:
    """Ctrl-C stops the following, not the run."""
    come = client.resume if arguments.what == "resume" else client.attach
    with answer:
        result = await show_run(await come(arguments.run_id), answer)
        answer.show_result(result)
    return 0


async def _cancel(client: Client, run_id: str, *, as_json: bool) -> int:
    answer: RunCancelResult = await client.request("run/cancel", RunIdParams(run_id=run_id))
    if as_json:
        print(json.dumps(answer.to_wire()))
    elif answer.cancelled:
        print(f"run {run_id} is cancelled")
    else:
        print(f"run {run_id} is not under way: it is {(await client.run(run_id)).status}")
    return 0


def _row(run: RunSummary) -> tuple[str, ...]:
    return run.run_id, run.status, _local_time(run.created_at), run.agent or run.model or "", bill(run.usage, 0.0)


def _show_in_words(run: RunGetResult) -> None:
    rows = [
        ("run", run.run_id),
        ("status", run.status),
        ("begun", _local_time(run.created_at)),
        *((("agent", run.agent),) if run.agent else ()),
        ("model", run.model or ""),
        *((("from", run.parent_run_id),) if run.parent_run_id else ()),
        ("bill", bill(run.usage, 0.0)),
        *((("error", run.error.message),) if run.error else ()),
    ]
    show_table(rows)
    show()
    show_messages(run.messages)


def _local_time(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M}"
