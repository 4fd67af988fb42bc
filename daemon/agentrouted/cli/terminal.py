"""What a terminal can do: colours, a spinner, a progress bar."""

import os
import sys
import threading
from collections.abc import Collection, Sequence
from typing import Final, Literal, TextIO
from unicodedata import combining, east_asian_width

Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]

_CODES: Final[dict[Style, str]] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_CLEAR_LINE: Final = "\r\x1b[2K"
_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SECONDS_A_FRAME: Final = 0.08
_BAR_WIDTH: Final = 30
# All of C0 and C1 but tab and line feed: a model's text must not be able to steer the terminal.
_CONTROLS: Final = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}


def is_styled(stream: TextIO) -> bool:
    """Colours are for terminals, and for people who have not said no (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: Style, stream: TextIO) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if is_styled(stream) else text


def say(text: str) -> None:
    """To the person, beside the output proper."""
    print(text, file=sys.stderr, flush=True)


def printable(text: str) -> str:
    return text.translate(_CONTROLS)


class Spinner:
    """Turns on stderr while something is waited for; shows nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, words: str) -> None:
        self.stop()
        if sys.stderr.isatty():
            self._stopped.clear()
            self._thread = threading.Thread(target=self._turn, args=(words,), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        if self._thread:
            self._stopped.set()
            self._thread.join()
            self._thread = None
            _write(_CLEAR_LINE)

    def _turn(self, words: str) -> None:
        turn = 0
        while not self._stopped.wait(_SECONDS_A_FRAME):
            _write(f"{_CLEAR_LINE}{styled(f'{_FRAMES[turn % len(_FRAMES)]} {words}', 'dim', sys.stderr)}")
            turn += 1


def show_progress(done: int, total: int) -> None:
    """A bar on stderr, drawn over the one before."""
    if sys.stderr.isatty():
        filled = _BAR_WIDTH * done // total
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        _write(f"{_CLEAR_LINE}{bar} {done / total:4.0%} of {total / 1e6:.0f} MB" + ("\n" if done >= total else ""))


def table(rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """Columns as wide as they need to be; those that hold `numbers`, by place, stand at the right."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    aligned = (
        (_filled(cell, width, at_right=place in numbers) for place, (cell, width) in enumerate(pairs))
        for pairs in (zip(row, widths, strict=True) for row in rows)
    )
    return "\n".join("  ".join(cells).rstrip() for cells in aligned)


def _filled(cell: str, width: int, *, at_right: bool) -> str:
    blanks = " " * (width - _width(cell))
    return blanks + cell if at_right else cell + blanks


def _width(text: str) -> int:
    """Columns of a terminal: two for most letters of East Asia and for emoji, none for what is set on a letter."""
    return len(text) if text.isascii() else sum(map(_width_of, text))


def _width_of(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
