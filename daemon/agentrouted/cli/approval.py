"""Whether a call may be made, asked on the terminal."""

import asyncio
import json
import os
import sys
from typing import Final

from agentrouted.cli.terminal import say
from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult

_YES: Final = {"y", "yes"}
_BUDGET: Final = "budget:"


async def ask_on_terminal(params: ToolApproveParams) -> ToolApproveResult:
    """Only a yes is one. Where nobody can be asked, that is said, and the call is denied."""
    about, question = _worded(params)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        say(f"{about}; it is denied, as there is no terminal to ask on")
        return ToolApproveResult(decision="reject_once", message=f"{params.name} was denied: nobody could be asked")
    say(about)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    is_allowed = (await _line()).strip().lower() in _YES
    return ToolApproveResult(decision="allow_once" if is_allowed else "reject_once")


def _worded(params: ToolApproveParams) -> tuple[str, str]:
    """What it is about, and the question. A budget asks about a model call, of which its reason says all."""
    if params.name.startswith(_BUDGET):
        return params.reason, "Go on?"
    return f"{params.reason}: {params.name}({json.dumps(params.arguments, ensure_ascii=False)})", "Call it?"


async def _line() -> str:
    """What is typed next. Waited for without a thread, which would outlive a Ctrl-C."""
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()
    is_there = asyncio.Event()
    loop.add_reader(stdin, is_there.set)
    try:
        await is_there.wait()
    finally:
        loop.remove_reader(stdin)
    return os.read(stdin, 4096).decode(errors="replace")
