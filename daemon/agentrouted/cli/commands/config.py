"""`agentrouted config`: check, get, import."""

import argparse
import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agentrouted.cli.door import daemon
from agentrouted.cli.importing import import_config, located
from agentrouted.cli.subcommands import add_subcommands
from agentrouted.cli.terminal import Style, show, show_table
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.in_folders import without_effect
from agentrouted.core.config.own_file import FILE_NAME
from agentrouted.core.config.own_file_reading import read_own_file
from agentrouted.core.config.store import ConfigStore
from agentrouted_protocol.config import ConfigGetParams, ConfigGetResult, ConfigValidateResult, Problem

EXAMPLE = "agentrouted config check"

_SUMMARIES: Final = {
    "check": "say what is wrong with a config, and where",
    "get": "show the values that are in force, and where they come from",
    "import": "turn the config of another router into one of ours",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = add_subcommands(parser, _SUMMARIES)
    commands["check"].add_argument(
        "file", nargs="?", metavar="FILE", help="if left out, the config and the own file of this folder"
    )
    commands["get"].add_argument("path", nargs="?", metavar="PATH", help="what is below this dotted path only")
    importing = commands["import"]
    importing.add_argument("file", metavar="FILE", help="the config of the other router")
    importing.add_argument("--output", metavar="FILE", help="where to write what was imported, in place of stdout")
    importing.add_argument("--force", action="store_true", help="write it even if there is such a file")


def run(arguments: argparse.Namespace) -> int:
    if arguments.what == "import":
        if arguments.force and not arguments.output:
            raise argparse.ArgumentError(None, "--force is for the file of --output, and none is named")
        return import_config(arguments.file, arguments.output, force=arguments.force, as_json=arguments.json)
    if arguments.what == "check":
        return _check(arguments.file, as_json=arguments.json)
    return _get(arguments.path, as_json=arguments.json)


def _check(file: str | None, *, as_json: bool) -> int:
    """Compilers' form and exit code, so that editors and CI understand it."""
    checked = _checked(file, Environment.of_process())
    problems = [problem for _, found in checked for problem in found]
    is_good = not _errors(problems)
    if as_json:
        print(json.dumps(ConfigValidateResult(ok=is_good, problems=problems).to_wire()))
        return 0 if is_good else 1
    for problem in problems:
        style: Style = "red" if problem.severity == "error" else "yellow"
        message = f"{problem.path}: {problem.message}" if problem.path else problem.message
        show(*located(problem.severity, message, problem.file, problem.range, problem.hint, style))
    for path, found in checked:
        if not _errors(found):
            is_there = path is not None and path.exists()
            print(f"{path} is good" if is_there else f"{path} is not there: the defaults are in force")
    return 0 if is_good else 1


def _checked(file: str | None, environment: Environment) -> list[tuple[Path | None, list[Problem]]]:
    """The file that was named, else the config and the own file of this folder."""
    if file and Path(file).name == FILE_NAME:
        path = environment.cwd / file
        own = read_own_file(str(path.parent))
        missing = Problem(message="there is no such file", file=str(path), hint="create it, or name another")
        return [(path, list(own.problems) if own else [missing])]
    snapshot = ConfigStore(environment, file).current
    checked = [(snapshot.path, list(snapshot.problems))]
    if file is None and (own := read_own_file(str(environment.cwd))):
        checked.append((own.path, [*own.problems, *without_effect(snapshot.config, [own])]))
    return checked


def _errors(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == "error"]


def _get(path: str | None, *, as_json: bool) -> int:
    result = asyncio.run(_effective(path))
    if as_json:
        print(json.dumps(result.to_wire()))
    else:
        show_table([(value.path, json.dumps(value.value, ensure_ascii=False), value.origin) for value in result.values])
    return 0


async def _effective(path: str | None) -> ConfigGetResult:
    async with daemon() as client:
        result: ConfigGetResult = await client.request("config/get", ConfigGetParams(path=path))
        return result
