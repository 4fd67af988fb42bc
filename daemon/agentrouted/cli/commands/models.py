"""`agentrouted models`: what can run, and what to fetch."""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from agentrouted.cli.door import daemon
from agentrouted.cli.terminal import say, show_progress, styled, table
from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import NotFound, Storage
from agentrouted.core.local.catalog import own_folder
from agentrouted.core.local.known import KNOWN_MODELS, KnownModel
from agentrouted.core.local.pull import pull
from agentrouted_protocol.routing import ModelEntry, ModelListParams, ModelListResult

EXAMPLE = "agentrouted models pull smollm2-135m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("list", "pull"), default="list", help="list (default), or pull one")
    parser.add_argument("name", nargs="?", help=f"what to pull: {', '.join(KNOWN_MODELS)}")
    parser.add_argument("--provider", help="list the models of this provider only")
    parser.add_argument("--refresh", action="store_true", help="ask the local servers again")


def run(arguments: argparse.Namespace) -> int:
    if arguments.what == "pull":
        return _pull(arguments.name, as_json=arguments.json)
    return _list(ModelListParams(provider=arguments.provider, refresh=arguments.refresh), as_json=arguments.json)


def _list(params: ModelListParams, *, as_json: bool) -> int:
    result = asyncio.run(_models(params))
    if as_json:
        print(json.dumps(result.to_wire()))
        return 0
    if result.models:
        print(table([_row(entry) for entry in result.models]))
    for warning in result.warnings:
        say(styled(warning, "dim", sys.stderr))
    return 0


async def _models(params: ModelListParams) -> ModelListResult:
    async with daemon() as client:
        result: ModelListResult = await client.request("model/list", params)
        return result


def _row(entry: ModelEntry) -> tuple[str, ...]:
    size = f"{entry.size_bytes / 1e6:.0f} MB" if entry.size_bytes else ""
    return entry.model, entry.state, size, entry.mend or entry.description or ""


def _pull(name: str | None, *, as_json: bool) -> int:
    model = _known(name)
    home = Environment.of_process().home
    if home is None:
        raise Storage("there is no home folder to keep models in", hint="set HOME")
    say(f"{model.name}: {model.licence}, {model.note}")
    path = asyncio.run(pull(model, own_folder(home), os.environ, show_progress))
    print(json.dumps({"model": f"local/{model.name}", "path": str(path)}) if as_json else _pulled(model, path))
    return 0


def _known(name: str | None) -> KnownModel:
    if model := KNOWN_MODELS.get((name or "").removeprefix("local/")):
        return model
    known = ", ".join(KNOWN_MODELS)
    raise NotFound(f"no model {name!r} to pull" if name else "which model?", hint=f"there is: {known}")


def _pulled(model: KnownModel, path: Path) -> str:
    return f'{path}\nnow: agentrouted run "Say hello." -m local/{model.name}'
