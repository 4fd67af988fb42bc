"""Tools that need approval, of runs that the command line begins."""

import asyncio
import json
import os
import pty
import sys
from pathlib import Path

import pytest
from harness.command import AGENTROUTED, agentrouted
from harness.peer import TIME_LIMIT, clean_environment
from harness.tool_servers import SCRIPT

from agentrouted.testing.upstream import Reply, Upstream

pytest.importorskip("mcp")


def adding(home: Path) -> Upstream:
    """A model that adds once, with a tool that needs approval."""
    server = {"command": sys.executable, "args": ["-P", str(SCRIPT)], "needs_approval": True}
    (home / ".agentroute").mkdir()
    (home / ".agentroute/config.yaml").write_text(json.dumps({"mcp_servers": {"t": server}}))
    return Upstream([Reply.tool_call("t__add", {"a": 1, "b": 2}), Reply.text("Done.")])


def told(upstream: Upstream) -> str:
    return str(upstream.requests[1].body["messages"][-1]["content"])


@pytest.mark.parametrize(("typed", "is_called"), [("y", True), ("n", False), ("", False)])
async def test_a_tool_that_needs_approval_is_asked_about_on_the_terminal(
    typed: str, is_called: bool, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    async with adding(tmp_path) as upstream, asyncio.timeout(TIME_LIMIT):
        process = await asyncio.create_subprocess_exec(
            *(*AGENTROUTED, "run", "1 + 2?", "-m", f"{upstream.url}/m", "--mcp", "t"),
            stdin=theirs,
            stdout=asyncio.subprocess.PIPE,
            stderr=theirs,
            env=clean_environment(tmp_path, TERM="xterm"),
        )
        os.close(theirs)
        screen = b""
        while b"[y/N]" not in screen:
            screen += await asyncio.to_thread(os.read, ours, 4096)
        os.write(ours, typed.encode() + b"\n")
        out, _ = await process.communicate()
    os.close(ours)
    assert b't__add({"a": 1, "b": 2})' in screen
    assert out == b"Done.\n"
    assert told(upstream) == ("3" if is_called else "Error: t__add was not approved")


async def test_without_a_terminal_it_is_denied_and_that_is_said(tmp_path: Path) -> None:
    async with adding(tmp_path) as upstream:
        outcome = await agentrouted(tmp_path, "run", "1 + 2?", "-m", f"{upstream.url}/m", "--mcp", "t", stdin="y\n")
    assert (outcome.code, outcome.out) == (0, "Done.\n")
    assert "is denied" in outcome.err and "no terminal" in outcome.err
    assert told(upstream) == "Error: t__add was denied: nobody could be asked"


def beyond_budget(home: Path, upstream: Upstream) -> tuple[str, ...]:
    """The arguments of a run that goes beyond a budget which asks."""
    (home / ".agentroute").mkdir()
    budget = {"tokens": 1, "per": "hour", "on_breach": "ask"}
    (home / ".agentroute/config.yaml").write_text(json.dumps({"budgets": {"all": budget}}))
    return ("run", "Hi", "-m", f"{upstream.url}/m")


async def test_a_budget_without_a_terminal_says_what_is_denied(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        outcome = await agentrouted(tmp_path, *beyond_budget(tmp_path, upstream))
    told = outcome.err.splitlines()[0]
    assert told == (
        "budget `all` is 1 tokens an hour: 0 tokens spent, and the next call may go beyond; "
        "it is denied, as there is no terminal to ask on"
    )
