"""`agentrouted db`: the file that all is kept in."""

import argparse
import json
import sqlite3
from pathlib import Path
from typing import Any, Final

from agentrouted.cli.subcommands import add_subcommands
from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import Storage
from agentrouted.core.memory.reindexing import index_anew
from agentrouted.core.storage import upkeep
from agentrouted.core.storage.faults import storage_fault
from agentrouted.core.storage.long_work import long_work

EXAMPLE = "agentrouted db backup ~/agentrouted.db"

_SUMMARIES: Final = {
    "check": "check that it is whole",
    "backup": "copy it, while a daemon may go on writing",
    "vacuum": "give back the room of what was deleted, while all others wait",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = add_subcommands(parser, _SUMMARIES)
    commands["backup"].add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="where the copy goes; beside the database if left out"
    )


def run(arguments: argparse.Namespace) -> int:
    path = database_file()
    does = {"check": _check, "backup": _back_up, "vacuum": _vacuum}[arguments.what]
    try:
        told, words = does(path, arguments)
    except (sqlite3.Error, OSError) as error:
        raise storage_fault(error, path) from error
    print(json.dumps({"path": str(path), **told}) if arguments.json else words)
    return 1 if told.get("problems") else 0


def database_file() -> Path:
    path = Environment.of_process().database_file
    if path is None:
        raise Storage("there is no folder for the database", hint="set HOME")
    return path


def _check(path: Path, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    with upkeep.opened(path) as connection:
        problems, (version, _) = upkeep.check(connection), upkeep.version(connection)
    size = upkeep.bytes_of(path)
    told = {"problems": problems, "version": version, "bytes": size, "copies": [*map(str, upkeep.copies(path))]}
    if problems:
        hint = "`agentrouted db backup` keeps what can still be read; an older copy may be whole"
        return told, "\n".join([f"{path} is damaged:", *problems, hint])
    beside = [f"a copy from before: {copy}" for copy in upkeep.copies(path)]
    return told, "\n".join([f"{path} is whole: version {version}, {_megabytes(size)}", *beside])


def _back_up(path: Path, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    copy = upkeep.back_up(path, arguments.file and arguments.file.absolute())
    return {"copy": str(copy)}, f"{copy} ({_megabytes(copy.stat().st_size)})"


def _vacuum(path: Path, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    before = upkeep.bytes_of(path)
    with upkeep.opened(path) as connection, long_work(path):
        has, knows = upkeep.version(connection)
        indexed = index_anew(connection) if has == knows else 0
        upkeep.vacuum(connection)
    after = upkeep.bytes_of(path)
    words = f"{path}: {_megabytes(before)} before, {_megabytes(after)} now"
    more = f"; {indexed:,} facts and messages are found by more words than before" if indexed else ""
    return {"before": before, "after": after, "indexed": indexed}, words + more


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
