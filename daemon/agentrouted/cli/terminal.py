"""What commands show: by rich on a terminal, else plain."""

import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, TextIO

if TYPE_CHECKING:  # takes longer to load than some commands take: programs that read `--json` do not wait for it
    from rich.console import Console

Style = Literal["", "bold", "dim", "red", "green", "yellow", "cyan"]
Part = str | tuple[str, Style]
Row = Sequence[str]

# All of C0 and C1 but tab and line feed: a model's text must not be able to steer the terminal.
_CONTROLS: Final = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
_GAP: Final = 2
# Text that is folded into less cannot be read.
_LEAST_ROOM: Final = 20


def show(*parts: Part) -> None:
    """A line of the output proper."""
    _print(parts, sys.stdout)


def say(*parts: Part) -> None:
    """To the person, beside the output proper."""
    _print(parts, sys.stderr)


def show_table(rows: Sequence[Row], numbers: Collection[int] = (), *, has_head: bool = False) -> None:
    """Columns as wide as they need to be; those that hold `numbers`, by place, stand at the right.

    On a terminal, text of the last one is folded into the room that is left, if that is worth it. Elsewhere each row is
    one line, however long.
    """
    if not rows:
        return
    from rich.cells import cell_len

    rows = [[" ".join(printable(cell).split()) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    room = shutil.get_terminal_size().columns - sum(width + _GAP for width in widths[:-1])
    if sys.stdout.isatty() and _LEAST_ROOM <= room < widths[-1]:
        _print_folded(rows, numbers, room, has_head=has_head)
    else:
        for number, line in enumerate(_whole(rows, numbers, widths)):
            show((line, "bold" if has_head and number == 0 else ""))


def printable(text: str) -> str:
    return text.translate(_CONTROLS)


class Spinner:
    """Turns on stderr while something is waited for; shows nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        self._end: Callable[[], None] | None = None

    def start(self, words: str) -> None:
        self.stop()
        if sys.stderr.isatty():
            from rich.live import Live
            from rich.spinner import Spinner as Frames
            from rich.text import Text

            frames = Frames("dots", Text(printable(words), "dim"), style="dim")
            # What is printed for a pipe meanwhile is not for the terminal.
            live = Live(frames, console=_console(stderr=True), transient=True, redirect_stdout=False)
            live.start(refresh=True)
            self._end = live.stop

    def stop(self) -> None:
        if self._end:
            self._end()
            self._end = None


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, which is told what is done and of how much; nothing where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(parts: Sequence[Part], stream: TextIO) -> None:
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    pieces = [(printable(text), style) for text, style in pairs]
    if stream.isatty() and any(style for _, style in pieces):
        from rich.text import Text

        _console(stderr=stream is sys.stderr).print(Text.assemble(*pieces), soft_wrap=True)
    else:
        print(*(text for text, _ in pieces), sep="", file=stream, flush=True)


def _print_folded(rows: Sequence[Row], numbers: Collection[int], room: int, *, has_head: bool) -> None:
    from rich.table import Table

    table = Table.grid(padding=(0, _GAP, 0, 0))
    for place in range(len(rows[0]) - 1):
        table.add_column(justify="right" if place in numbers else "left", no_wrap=True)
    table.add_column(overflow="fold", max_width=room)
    for number, row in enumerate(rows):
        table.add_row(*row, style="bold" if has_head and number == 0 else None)
    _console(stderr=False).print(table)


def _whole(rows: Sequence[Row], numbers: Collection[int], widths: Sequence[int]) -> Iterator[str]:
    from rich.cells import set_cell_size

    for row in rows:
        cells = (
            cell.rjust(width) if place in numbers else set_cell_size(cell, width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield (" " * _GAP).join(cells).rstrip()


@cache
def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    # Who wants no colours (https://no-color.org) gets no bold either. And nothing in the text of others is markup.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    console = Console(stderr=stderr, color_system=colours, markup=False, emoji=False, highlight=False)
    # Never hidden: whoever ends the program in the middle would be left without a cursor.
    console.show_cursor = lambda show=True: False  # type: ignore[method-assign]
    return console
