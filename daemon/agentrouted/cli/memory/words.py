"""What `agentrouted memory` is told, and how it tells it."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from agentrouted.cli.terminal import Row, Spinner, say, show_table
from agentrouted_client import Client
from agentrouted_protocol.scope import Scope

PROGRESS: Final = "memory"
"""The token under which `progress_of` shows how far a request is."""

Shown = Callable[[], object]
"""Shows a result to a person."""

_LIMIT: Final = 20


def scope(arguments: argparse.Namespace) -> Scope:
    return Scope(**{name: getattr(arguments, name) for name in Scope.model_fields})


def scope_if_named(arguments: argparse.Namespace) -> Scope | None:
    named = scope(arguments)
    return named if any(value for _, value in named) else None


def limit(arguments: argparse.Namespace) -> int:
    return _LIMIT if arguments.limit is None else int(arguments.limit)


def day(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d}"


def show_found(rows: Sequence[Row]) -> None:
    show_table(rows)
    if not rows:
        names = ", ".join(f"--{name}" for name in Scope.model_fields)
        say((f"nothing here: only what was kept under the same {names} is seen", "dim"))


def say_if_more(cursor: str | None, shown: int) -> None:
    if cursor:
        say((f"these are {shown}: -n shows more, or --cursor {cursor} those after them", "dim"))


@contextmanager
def progress_of(client: Client) -> Iterator[None]:
    spinner = Spinner()
    client.on("$/progress", lambda progress: spinner.start(progress["value"].get("message", "…")))
    try:
        yield
    finally:
        spinner.stop()
