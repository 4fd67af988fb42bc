"""What a terminal shows, by rich."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text


def print_styled(pieces: Sequence[tuple[str, str]], *, to_stderr: bool) -> None:
    _console(to_stderr=to_stderr).print(Text.assemble(*pieces), soft_wrap=True)


def print_table(rows: Sequence[Sequence[str]], numbers: Collection[int], *, gap: int, has_head: bool) -> None:
    last = len(rows[0]) - 1
    columns = (
        Column(justify="right" if place in numbers else "left", no_wrap=place < last, overflow="fold")
        for place in range(last + 1)
    )
    table = Table.grid(*columns, padding=(0, gap, 0, 0))
    for number, row in enumerate(rows):
        table.add_row(*row, style="bold" if has_head and number == 0 else None)
    _console(to_stderr=False).print(table)


def turn(words: str) -> Callable[[], None]:
    """Begins a spinner, and returns what ends it."""
    status = _console(to_stderr=True).status(Text(words, "dim"))
    status.start()
    return status.stop


@contextmanager
def download_bar() -> Iterator[Callable[[int, int], None]]:
    # Most commands have no bar, and it takes time to load.
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console(to_stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@cache
def _console(*, to_stderr: bool) -> Console:
    """What is printed is text of people and models: nothing in it is markup.

    Who wants no colours (https://no-color.org) is not shown bold and dim letters either.
    """
    return Console(
        stderr=to_stderr,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        markup=False,
        emoji=False,
        highlight=False,
    )
