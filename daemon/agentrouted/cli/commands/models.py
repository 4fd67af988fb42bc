"""`agentrouted models`: what can run, and what to fetch."""

import argparse
import asyncio
import json
import os
from pathlib import Path
from typing import Final

from agentrouted.cli.door import daemon
from agentrouted.cli.subcommands import add_subcommands
from agentrouted.cli.terminal import progress, say, show_table
from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import NotFound, Storage
from agentrouted.core.in_words import in_words
from agentrouted.core.local.catalog import own_folder
from agentrouted.core.local.known import KNOWN_MODELS, KnownModel
from agentrouted.core.local.pull import pull
from agentrouted_protocol.routing import (
    ModelEntry,
    ModelListParams,
    ModelListResult,
    ModelProbeParams,
    ModelProbeResult,
)

EXAMPLE = "agentrouted models pull smollm2-135m"
DEFAULT = "list"

_SUMMARIES: Final = {
    "list": "list what can run now; this is done without a command, too",
    "pull": "fetch a model to run on this machine",
    "probe": "ask a model, and say what it really does",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = add_subcommands(parser, _SUMMARIES)
    commands["list"].add_argument("--provider", metavar="NAME", help="the models of this provider only")
    commands["list"].add_argument("--refresh", action="store_true", help="ask the local servers again")
    commands["pull"].add_argument("name", metavar="NAME", help=f"one of {', '.join(KNOWN_MODELS)}")
    commands["probe"].add_argument("model", metavar="MODEL", help="a model string, such as ollama/llama3")


def run(arguments: argparse.Namespace) -> int:
    if arguments.what == "pull":
        return _pull(arguments.name, as_json=arguments.json)
    if arguments.what == "probe":
        return _probe(arguments.model, as_json=arguments.json)
    return _list(ModelListParams(provider=arguments.provider, refresh=arguments.refresh), as_json=arguments.json)


def _list(params: ModelListParams, *, as_json: bool) -> int:
    result = asyncio.run(_models(params))
    if as_json:
        print(json.dumps(result.to_wire()))
        return 0
    show_table([_row(entry) for entry in result.models])
    for warning in result.warnings:
        say((warning, "dim"))
    return 0


async def _models(params: ModelListParams) -> ModelListResult:
    async with daemon() as client:
        result: ModelListResult = await client.request("model/list", params)
        return result


def _row(entry: ModelEntry) -> tuple[str, ...]:
    size = f"{entry.size_bytes / 1e6:.0f} MB" if entry.size_bytes else ""
    return entry.model, entry.state, size, entry.mend or entry.description or ""


def _probe(model: str, *, as_json: bool) -> int:
    result = asyncio.run(_probed(ModelProbeParams(model=model)))
    if as_json:
        print(json.dumps(result.to_wire()))
    else:
        show_table(_rows(result))
    return 0


async def _probed(params: ModelProbeParams) -> ModelProbeResult:
    async with daemon() as client:
        result: ModelProbeResult = await client.request("model/probe", params)
        return result


def _rows(result: ModelProbeResult) -> list[tuple[str, ...]]:
    route, spent, seen = result.route, result.spent, result.evidence
    first = f"first token after {result.time_to_first_token:.2f} s" if result.time_to_first_token is not None else ""
    cost = "unknown" if spent.total_cost_usd is None else f"${spent.total_cost_usd:.4f}"
    calls, tokens = in_words(spent.model_calls, "call"), in_words(spent.input_tokens, "token")
    return [
        ("asked", f"{route.provider}/{route.model_id}", f"at {route.base_url}, in {route.wire}"),
        ("latency", f"{result.latency:.2f} s", first),
        ("streaming", _yes(result.streaming), seen.get("streaming", "")),
        ("tools", _yes(result.tools), seen.get("tools", "")),
        ("JSON Schema", _yes(result.json_schema), seen.get("jsonSchema", "")),
        ("usage", _yes(result.usage), seen.get("usage", "")),
        ("context window", str(result.context_window or "not known"), ""),
        ("cost", cost, f"{calls}, {tokens} in, {spent.output_tokens:,} out"),
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _pull(name: str, *, as_json: bool) -> int:
    model = _known(name)
    home = Environment.of_process().home
    if home is None:
        raise Storage("there is no home folder to keep models in", hint="set HOME")
    say(f"{model.name}: {model.licence}, {model.note}")
    with progress() as tell:
        path = asyncio.run(pull(model, own_folder(home), os.environ, tell))
    print(json.dumps({"model": f"local/{model.name}", "path": str(path)}) if as_json else _pulled(model, path))
    return 0


def _known(name: str) -> KnownModel:
    if model := KNOWN_MODELS.get(name.removeprefix("local/")):
        return model
    raise NotFound(f"no model {name!r} to pull", hint=f"there is: {', '.join(KNOWN_MODELS)}")


def _pulled(model: KnownModel, path: Path) -> str:
    return f'{path}\nnow: agentrouted run "Say hello." -m local/{model.name}'
