"""`agentrouted doctor`: what is well, and what mends the rest."""

import argparse
import asyncio
import json
import sys
from typing import Final

from agentrouted.cli.check import Check, State
from agentrouted.cli.checks import check_all
from agentrouted.cli.terminal import Style, printable, styled

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
            print(_in_words(check))
    return 1 if any(check.state == "broken" for check in checks) else 0


def _in_words(check: Check) -> str:
    mark, style = _MARKS[check.state]
    mend = f"\n     {check.mend}" if check.mend else ""
    return f"[{styled(mark, style, sys.stdout)}] {check.name}: {printable(check.finding + mend)}"
