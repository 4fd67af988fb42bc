"""`agentrouted config`: is the file right, what is in force?"""

import argparse
import asyncio
import json
import sys

from agentrouted.cli.door import daemon
from agentrouted.cli.terminal import styled, table
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.store import ConfigStore
from agentrouted_protocol.config import ConfigGetParams, ConfigGetResult, ConfigValidateResult, Problem

EXAMPLE = "agentrouted config check"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("check", "get"), help="check the file, or get the values that are in force")
    parser.add_argument("which", nargs="?", metavar="FILE|PATH", help="the file to check; the dotted path to get")


def run(arguments: argparse.Namespace) -> int:
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
        print(_in_words(problem))
    if is_good:
        is_there = snapshot.path is not None and snapshot.path.exists()
        print(f"{snapshot.path} is good" if is_there else f"{snapshot.path} is not there: the defaults are in force")
    return 0 if is_good else 1


def _get(path: str | None, *, as_json: bool) -> int:
    result = asyncio.run(_effective(path))
    if as_json:
        print(json.dumps(result.to_wire()))
    elif result.values:
        print(table([(value.path, json.dumps(value.value), value.origin) for value in result.values]))
    return 0


async def _effective(path: str | None) -> ConfigGetResult:
    async with daemon() as client:
        result: ConfigGetResult = await client.request("config/get", ConfigGetParams(path=path))
        return result


def _in_words(problem: Problem) -> str:
    """`file:line:column: error: message`, counted from one."""
    where = [problem.file or "config"]
    if problem.range:
        where += [str(problem.range.start.line + 1), str(problem.range.start.character + 1)]
    severity = styled(f"{problem.severity}:", "red" if problem.severity == "error" else "yellow", sys.stdout)
    path = f"{problem.path}: " if problem.path else ""
    hint = f"\n  hint: {problem.hint}" if problem.hint else ""
    return f"{':'.join(where)}: {severity} {path}{problem.message}{hint}"
