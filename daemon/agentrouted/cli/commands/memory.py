"""`agentrouted memory`: what is remembered, by whom, and not."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from agentrouted.cli.door import daemon
from agentrouted.cli.terminal import Spinner, printable, say, styled, table
from agentrouted.core.config.environment import Environment
from agentrouted.core.erasing import Erased, forget_everything
from agentrouted.core.errors import InvalidParams, Storage
from agentrouted_client import Client
from agentrouted_protocol.memory import (
    FactKind,
    MemoryExportParams,
    MemoryExportResult,
    MemoryFilter,
    MemoryForgetParams,
    MemoryForgetResult,
    MemoryFormat,
    MemoryImportParams,
    MemoryImportResult,
    MemoryListParams,
    MemoryListResult,
    MemoryRecallParams,
    MemoryRecallResult,
    MemoryRememberParams,
    MemoryRememberResult,
    MemorySessionsParams,
    MemorySessionsResult,
    MemoryVectorsParams,
    MemoryVectorsResult,
)
from agentrouted_protocol.scope import Scope

EXAMPLE = 'agentrouted memory recall "Which colour do I like?" --user ada'

_WHAT = """\
remember TEXT; recall WORDS: what fits best, none for the newest; list facts; forget what --id, --key, --kind, --tag
or --everything names; list sessions; export [FILE] as JSON Lines; import FILE; vectors: wait until all have one"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=tuple(_DO), help=_WHAT)
    parser.add_argument("words", nargs="*", metavar="TEXT|WORDS|FILE")
    whose = parser.add_argument_group("whose memory it is: what is not named is not seen")
    for name in Scope.model_fields:
        whose.add_argument(f"--{name}", metavar="NAME")
    parser.add_argument("--key", help="of a fact: the same key replaces")
    parser.add_argument("--id", help="of a fact to forget")
    parser.add_argument("--kind", choices=get_args(FactKind), help="of a fact; `fact` if left out when it is new")
    parser.add_argument("--tag", action="append", default=[], help="may be given more than once")
    parser.add_argument("--expires", metavar="TIME", help="remember until then; ISO 8601")
    parser.add_argument("--allow-secrets", action="store_true", help="remember also what looks like a key or password")
    parser.add_argument("-n", "--limit", type=int, default=20, metavar="N", help="so many at most; 20 by default")
    parser.add_argument("--dry-run", action="store_true", help="forget nothing, and say how much it would be")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="forget facts, conversations and runs of all scopes with these names, and look whether the file is clean",
    )
    parser.add_argument(
        "--format", choices=get_args(MemoryFormat), help="of the file to import; seen from it if left out"
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.what == "forget" and arguments.everything:
        return _forget_everything(arguments)
    try:
        return asyncio.run(_ask(arguments))
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidParams(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error


async def _ask(arguments: argparse.Namespace) -> int:
    async with daemon() as client:
        told, words = await _DO[arguments.what](client, arguments)
    if arguments.json:
        print(json.dumps(told.to_wire()))
    elif words:
        print(words)
    return 0


async def _remember(client: Client, arguments: argparse.Namespace) -> tuple[MemoryRememberResult, str]:
    params = MemoryRememberParams(
        text=" ".join(arguments.words),
        key=arguments.key,
        scope=_scope(arguments),
        kind=arguments.kind or "fact",
        tags=arguments.tag,
        expires_at=arguments.expires,
        allow_secrets=arguments.allow_secrets,
    )
    told: MemoryRememberResult = await client.request("memory/remember", params)
    left_out = f", without what looked like a secret: {', '.join(told.redacted)}" if told.redacted else ""
    return told, f"{told.id}{' (it was there already)' if told.merged else ''}{left_out}"


async def _recall(client: Client, arguments: argparse.Namespace) -> tuple[MemoryRecallResult, str]:
    params = MemoryRecallParams(
        query=" ".join(arguments.words),
        scope=_scope(arguments),
        limit=arguments.limit,
        kinds=[arguments.kind] if arguments.kind else None,
        tags=arguments.tag or None,
    )
    told: MemoryRecallResult = await client.request("memory/recall", params)
    rows = [(_day(hit.created_at), hit.kind, hit.key or hit.source.session_id or "", hit.snippet) for hit in told.hits]
    return told, _table(rows)


async def _list(client: Client, arguments: argparse.Namespace) -> tuple[MemoryListResult, str]:
    params = MemoryListParams(
        scope=_scope(arguments),
        kinds=[arguments.kind] if arguments.kind else None,
        tags=arguments.tag or None,
        limit=arguments.limit,
    )
    told: MemoryListResult = await client.request("memory/list", params)
    if told.next_cursor:
        say(styled(f"these are the newest {len(told.entries)}: -n shows more", "dim", sys.stderr))
    return told, _table([(entry.id, _day(entry.updated_at), entry.key or "", entry.text) for entry in told.entries])


async def _forget(client: Client, arguments: argparse.Namespace) -> tuple[MemoryForgetResult, str]:
    wanted = MemoryFilter(kinds=[arguments.kind] if arguments.kind else None, tags=arguments.tag or None)
    params = MemoryForgetParams(
        id=arguments.id,
        key=arguments.key,
        filter=wanted if arguments.kind or arguments.tag else None,
        scope=_scope(arguments),
        dry_run=arguments.dry_run,
    )
    if not (params.id or params.key or params.filter):
        raise InvalidParams("what is to be forgotten?", hint="name it by --id, --key, --kind or --tag; or --everything")
    told: MemoryForgetResult = await client.request("memory/forget", params)
    return told, f"{'would be ' * arguments.dry_run}forgotten: {told.forgotten}"


async def _sessions(client: Client, arguments: argparse.Namespace) -> tuple[MemorySessionsResult, str]:
    params = MemorySessionsParams(scope=_scope(arguments), limit=arguments.limit)
    told: MemorySessionsResult = await client.request("memory/sessions", params)
    rows = [(each.session_id, _day(each.updated_at), str(each.messages), each.title or "") for each in told.sessions]
    return told, _table(rows)


async def _export(client: Client, arguments: argparse.Namespace) -> tuple[MemoryExportResult, str]:
    scope = _scope(arguments)
    file = _file(arguments)
    params = MemoryExportParams(scope=scope if _is_named(scope) else None, path=file and str(file))
    told: MemoryExportResult = await client.request("memory/export", params)
    if told.text is not None:
        return told, told.text.removesuffix("\n")
    return told, f"{told.path}: {told.entries} facts, {told.messages} messages"


async def _import(client: Client, arguments: argparse.Namespace) -> tuple[MemoryImportResult, str]:
    file = _file(arguments)
    if file is None:
        raise InvalidParams("which file is to be imported?", hint="`agentrouted memory import FILE`")
    params = MemoryImportParams(path=str(file), format=arguments.format, scope=_scope(arguments))
    told: MemoryImportResult = await client.request("memory/import", params)
    for problem in told.problems:
        say(styled(printable(problem), "yellow", sys.stderr))
    return told, f"new: {told.entries} facts, {told.messages} messages"


async def _vectors(client: Client, arguments: argparse.Namespace) -> tuple[MemoryVectorsResult, str]:
    spinner = Spinner()
    client.on("$/progress", lambda progress: spinner.start(progress["value"].get("message", "…")))
    try:
        params = MemoryVectorsParams(wait=True, work_done_token="vectors")
        told: MemoryVectorsResult = await client.request("memory/vectors", params)
    finally:
        spinner.stop()
    if told.model is None:
        say(styled("memory finds by words alone: the config names no model under `memory.vectors`", "dim", sys.stderr))
        return told, ""
    if told.error:
        say(styled(printable(told.error), "yellow", sys.stderr))
    return told, f"{told.model}: {told.done:,} done, {told.missing:,} missing"


_DO = {
    "remember": _remember,
    "recall": _recall,
    "list": _list,
    "forget": _forget,
    "sessions": _sessions,
    "export": _export,
    "import": _import,
    "vectors": _vectors,
}


def _forget_everything(arguments: argparse.Namespace) -> int:
    """Not by the daemon: the proof is about the file, whoever else has it open."""
    path = Environment.of_process().database_file
    if path is None:
        raise Storage("there is no folder for the database", hint="set HOME")
    erased = forget_everything(path, _scope(arguments), dry_run=arguments.dry_run)
    if arguments.json:
        print(json.dumps(_as_plain(path, erased)))
    else:
        print("\n".join(_in_words(path, erased, dry_run=arguments.dry_run)))
    return 1 if erased.left or erased.copies or erased.running else 0


def _in_words(path: Path, erased: Erased, *, dry_run: bool) -> list[str]:
    counts = f"{erased.facts} facts, {erased.messages} messages, {erased.runs} runs"
    running = [f"run {run} is under way and stays: cancel it, then do this again" for run in erased.running]
    if dry_run:
        return [f"would be forgotten: {counts}", *running]
    said = f"{len(erased.left)} pieces of it are still there, in runs of others" if erased.left else "nothing is left"
    copies = [f"an older copy has it: {copy}: delete it" for copy in erased.copies]
    return [f"forgotten: {counts}", f"searched {path}: {said}", *running, *copies]


def _as_plain(path: Path, erased: Erased) -> dict[str, Any]:
    return {
        "path": str(path),
        "facts": erased.facts,
        "messages": erased.messages,
        "runs": erased.runs,
        "running": list(erased.running),
        "left": len(erased.left),
        "copies": [*map(str, erased.copies)],
    }


def _scope(arguments: argparse.Namespace) -> Scope:
    return Scope(**{name: getattr(arguments, name) for name in Scope.model_fields})


def _is_named(scope: Scope) -> bool:
    return any(value for _, value in scope)


def _file(arguments: argparse.Namespace) -> Path | None:
    return Path(arguments.words[0]).absolute() if arguments.words else None


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [[printable(" ".join(cell.split())) for cell in row] for row in rows]
    return table(lines) if lines else ""


def _day(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d}"
