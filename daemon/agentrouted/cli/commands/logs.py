"""`agentrouted logs`: what the daemons have written down."""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TextIO

from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import NotFound

EXAMPLE = "agentrouted logs -n 20 -f"

_ENTRY = re.compile(r"(?P<time>[\d-]+ [\d:,]+) (?P<process>\d+) (?P<level>[A-Z]+) (?P<name>\S+): (?P<message>.*)")
_SECONDS_BETWEEN_LOOKS = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", "--lines", type=int, default=100, metavar="N", help="the last N entries (default: 100)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")


def run(arguments: argparse.Namespace) -> int:
    if arguments.lines < 0:
        raise argparse.ArgumentError(None, "--lines is 0 or more")
    folder = Environment.of_process().state_folder
    files: dict[Path, TextIO] = {}
    entries = _new_entries(folder, files)
    if not files:
        raise NotFound(f"there is no log in {folder}", hint="a daemon writes one from its first start on")
    _print(entries[max(0, len(entries) - arguments.lines) :], as_json=arguments.json)
    while arguments.follow:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        _print(_new_entries(folder, files), as_json=arguments.json)
    return 0


@dataclass(frozen=True, slots=True)
class _Entry:
    time: str
    process: str
    level: str
    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.time} {self.process} {self.level} {self.name}: {self.message}"


def _print(entries: Iterable[_Entry], *, as_json: bool) -> None:
    for entry in entries:
        print(json.dumps(asdict(entry)) if as_json else entry)
    sys.stdout.flush()


def _new_entries(folder: Path, files: dict[Path, TextIO]) -> list[_Entry]:
    """What all daemons have written since the last look, in order; `files` is where that look has ended."""
    entries = [entry for path in sorted(folder.glob("*.log")) for entry in _entries(_new_lines(path, files))]
    return sorted(entries, key=lambda entry: entry.time)


def _new_lines(path: Path, files: dict[Path, TextIO]) -> list[str]:
    lines = files[path].readlines() if path in files else []
    if path not in files or not _is_open(path, files[path]):
        # Another file has its name now: the daemon has begun a new one.
        files[path] = path.open(encoding="utf-8", errors="replace")
        lines += files[path].readlines()
    return lines


def _is_open(path: Path, file: TextIO) -> bool:
    return path.stat().st_ino == os.fstat(file.fileno()).st_ino


def _entries(lines: Iterable[str]) -> list[_Entry]:
    entries: list[_Entry] = []
    for line in lines:
        if found := _ENTRY.match(line):
            entries.append(_Entry(**found.groupdict()))
        elif entries:
            entries[-1] = replace(entries[-1], message=f"{entries[-1].message}\n{line.rstrip()}")
    return entries
