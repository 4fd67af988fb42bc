"""`agentrouted memory`: out to a file, in again, and vectors."""

import argparse
import sys
from functools import partial
from pathlib import Path

from agentrouted.cli.memory.words import PROGRESS, Shown, progress_of, scope, scope_if_named
from agentrouted.cli.terminal import say, show
from agentrouted.core.in_words import in_words
from agentrouted_client import Client
from agentrouted_protocol.memory import (
    MemoryExportParams,
    MemoryExportResult,
    MemoryImportParams,
    MemoryImportResult,
    MemoryVectorsParams,
    MemoryVectorsResult,
)


async def export(client: Client, arguments: argparse.Namespace) -> tuple[MemoryExportResult, Shown]:
    path = arguments.file and _absolute(arguments.file)
    params = MemoryExportParams(scope=scope_if_named(arguments), path=path, work_done_token=PROGRESS)
    with progress_of(client):
        told: MemoryExportResult = await client.request("memory/export", params)
    if told.text is not None:
        return told, partial(sys.stdout.write, told.text)
    return told, partial(show, f"{told.path}: {_counts(told)}")


async def import_(client: Client, arguments: argparse.Namespace) -> tuple[MemoryImportResult, Shown]:
    params = MemoryImportParams(
        path=_absolute(arguments.file), format=arguments.format, scope=scope(arguments), work_done_token=PROGRESS
    )
    with progress_of(client):
        told: MemoryImportResult = await client.request("memory/import", params)
    for problem in told.problems:
        say((problem, "yellow"))
    return told, partial(show, f"new: {_counts(told)}")


async def vectors(client: Client, _: argparse.Namespace) -> tuple[MemoryVectorsResult, Shown]:
    with progress_of(client):
        params = MemoryVectorsParams(wait=True, work_done_token=PROGRESS)
        told: MemoryVectorsResult = await client.request("memory/vectors", params)
    if told.model is None:
        say(("memory finds by words alone: the config names no model under `memory.vectors`", "dim"))
        return told, lambda: None
    if told.error:
        say((told.error, "yellow"))
    return told, partial(show, f"{told.model}: {told.done:,} done, {told.missing:,} missing")


def _counts(told: MemoryExportResult | MemoryImportResult) -> str:
    return f"{in_words(told.entries, 'fact')}, {in_words(told.messages, 'message')}"


def _absolute(file: str) -> str:
    return str(Path(file).absolute())
