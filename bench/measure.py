"""Figures of one process, and tables of many."""

import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

Row = Sequence[str]


def cpu_seconds(pid: int) -> float | None:
    """User and system time of a running process; None where only Linux would tell."""
    if sys.platform != "linux":
        return None
    # The clock of another process, as clock_getcpuclockid(3) makes it.
    return time.clock_gettime((~pid << 3) | 2)


def resident_mib(pid: int) -> float | None:
    """Memory that is in RAM; None where only Linux would tell."""
    if sys.platform != "linux":
        return None
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize() / (1 << 20)


def percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def figure(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def ratio(value: float | None, base: float | None) -> str:
    return "–" if value is None or not base else f"{value / base:,.{0 if value / base >= 10 else 2}f}"


def print_table(title: str, header: Row, rows: Sequence[Row]) -> None:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    print(f"\n{title}")
    for row in (header, *rows):
        name, *figures = row
        print(
            "  ", name.ljust(widths[0]), *(text.rjust(width) for text, width in zip(figures, widths[1:], strict=True))
        )


def print_machine() -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    load = os.getloadavg()[0]
    print(f"Python {version}, {sys.platform}, {os.cpu_count()} cores, load {load:.1f}")
