"""`agentrouted config`: check, get, import."""

import argparse
import asyncio
import json

from agentrouted.cli.door import daemon
from agentrouted.cli.importing import import_config, located
from agentrouted.cli.terminal import Style, show, show_table
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.store import ConfigStore
from agentrouted_protocol.config import ConfigGetParams, ConfigGetResult, ConfigValidateResult

EXAMPLE = "agentrouted config check"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=("check", "get", "import"),
        help="check the file; get the values that are in force; read the config of another router",
    )
    parser.add_argument(
        "which", nargs="?", metavar="FILE|PATH", help="the file to check or to import; the dotted path to get"
    )
    parser.add_argument("--output", metavar="FILE", help="where to write what was imported, in place of stdout")
    parser.add_argument("--force", action="store_true", help="write it even if there is such a file")


def run(arguments: argparse.Namespace) -> int:
    if arguments.what == "import":
        return import_config(arguments.which, arguments.output, force=arguments.force, as_json=arguments.json)
    if arguments.what == "check":
        return _check(arguments.which, as_json=arguments.json)
    return _get(arguments.which, as_json=arguments.json)


def _check(file: str | None, *, as_json: bool) -> int:
    """Compilers' form and exit code, so that editors and CI understand it."""
    snapshot = ConfigStore(Environment.of_process(), file).current
    is_good = not any(problem.severity == "error" for problem in snapshot.problems)
    if as_json:
        print(json.dumps(ConfigValidateResult(ok=is_good, problems=list(snapshot.problems)).to_wire()))
        return 0 if is_good else 1
    for problem in snapshot.problems:
        style: Style = "red" if problem.severity == "error" else "yellow"
        message = f"{problem.path}: {problem.message}" if problem.path else problem.message
        show(*located(problem.severity, message, problem.file, problem.range, problem.hint, style))
    if is_good:
        is_there = snapshot.path is not None and snapshot.path.exists()
        print(f"{snapshot.path} is good" if is_there else f"{snapshot.path} is not there: the defaults are in force")
    return 0 if is_good else 1


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
