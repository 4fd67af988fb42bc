"""What commands show: by `screen` on a terminal, else plain."""

# `screen` is imported where there is a terminal: rich takes longer to load than some commands, and pipes need none.

import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, TextIO

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

    On a terminal, text of the last one is folded into the room that is left. Where there is none, and in a pipe, each
    row is one line.
    """
    if not rows:
        return
    from rich.cells import cell_len

    rows = [[" ".join(printable(cell).split()) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    room = shutil.get_terminal_size().columns - sum(width + _GAP for width in widths[:-1])
    if sys.stdout.isatty() and room >= min(widths[-1], _LEAST_ROOM):
        from agentrouted.cli.screen import print_table

        print_table(rows, numbers, gap=_GAP, has_head=has_head)
    else:
        _print_rows(rows, widths, numbers)


def printable(text: str) -> str:
    return text.translate(_CONTROLS)


class Spinner:
    """Turns on stderr while something is waited for; shows nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        self._end: Callable[[], None] | None = None

    def start(self, words: str) -> None:
        self.stop()
        if sys.stderr.isatty():
            from agentrouted.cli.screen import turn

            self._end = turn(printable(words))

    def stop(self) -> None:
        if self._end:
            self._end()
            self._end = None


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, for as long as the block lasts: it is told what is done, and of how much."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from agentrouted.cli.screen import download_bar

    with download_bar() as tell:
        yield tell


def _print(parts: Sequence[Part], stream: TextIO) -> None:
    styled = [(part, "") if isinstance(part, str) else part for part in parts]
    pieces = [(printable(text), style) for text, style in styled]
    if stream.isatty():
        from agentrouted.cli.screen import print_styled

        print_styled(pieces, to_stderr=stream is sys.stderr)
    else:
        print(*(text for text, _ in pieces), sep="", file=stream, flush=True)


def _print_rows(rows: Sequence[Row], widths: Sequence[int], numbers: Collection[int]) -> None:
    from rich.cells import set_cell_size

    for row in rows:
        cells = (
            cell.rjust(width) if place in numbers else set_cell_size(cell, width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print((" " * _GAP).join(cells).rstrip())
