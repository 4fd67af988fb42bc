"""`agentrouted doctor`: what is well, and what mends the rest."""

import argparse
import asyncio
import json
from typing import Final

from agentrouted.cli.check import Check, State
from agentrouted.cli.checks import check_all
from agentrouted.cli.terminal import Style, show

EXAMPLE = "agentrouted doctor"

_MARKS: Final[dict[State, tuple[str, Style]]] = {
    "ok": ("ok", "green"),
    "note": ("--", "yellow"),
    "broken": ("no", "red"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None but `--json`."""


def run(arguments: argparse.Namespace) -> int:
    """1 if something that is needed, or was configured, is broken; what is merely not there is a note."""
    checks = asyncio.run(check_all())
    if arguments.json:
        print(json.dumps([check.to_wire() for check in checks]))
    else:
        for check in checks:
            _show(check)
    return 1 if any(check.state == "broken" for check in checks) else 0


def _show(check: Check) -> None:
    mark, style = _MARKS[check.state]
    mend = f"\n     {check.mend}" if check.mend else ""
    show("[", (mark, style), f"] {check.name}: {check.finding}{mend}")
