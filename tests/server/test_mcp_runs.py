"""Tools of MCP servers in runs of a real daemon."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from harness.peer import TIME_LIMIT, Spawned, initialized
from harness.tool_servers import SCRIPT, is_running, processes

from agentrouted.testing.upstream import Reply, Upstream


def write_config(home: Path, **settings: Any) -> None:
    server = {"command": sys.executable, "args": ["-P", str(SCRIPT)], **settings}
    folder = home / ".agentroute"
    folder.mkdir()
    (folder / "config.yaml").write_text(
        json.dumps({"mcp_servers": {"t": server}, "agents": {"a": {"mcp_servers": ["t"]}}})
    )


async def run(peer: Spawned, upstream: Upstream, **params: Any) -> Any:
    return await peer.call("runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", **params})


@pytest.mark.parametrize("named", [{"mcpServers": ["t"]}, {"agent": "a"}])
async def test_a_run_has_the_tools_of_the_servers_that_it_or_its_agent_names(tmp_path: Path, named: Any) -> None:
    write_config(tmp_path, tools=["add"])
    script = [Reply.tool_call("t__add", {"a": "1", "b": 2}), Reply.text("3.")]
    async with Upstream(script) as upstream, initialized(tmp_path) as peer:
        result = await run(peer, upstream, **named)
    offered, answered = (request.body for request in upstream.requests)
    assert [tool["function"]["name"] for tool in offered["tools"]] == ["t__add"]
    assert answered["messages"][-1]["content"] == "3"
    assert result["text"] == "3."


async def test_a_call_that_needs_approval_is_not_made_where_nobody_approves(tmp_path: Path) -> None:
    write_config(tmp_path, needs_approval=["add"])
    script = [Reply.tool_call("t__add", {"a": 1, "b": 2}), Reply.text("No.")]
    async with Upstream(script) as upstream, initialized(tmp_path) as peer:
        await run(peer, upstream, mcpServers=["t"])
    assert upstream.requests[1].body["messages"][-1]["content"].startswith("Error: ")


async def test_a_name_that_the_config_does_not_have_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write_config(tmp_path)
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        error = await run(peer, upstream, mcpServers=["T"])
    assert error["data"]["kind"] == "notFound"
    assert upstream.requests == []


async def test_a_server_that_does_not_start_fails_the_run_before_any_call_of_the_model(tmp_path: Path) -> None:
    write_config(tmp_path, command="no-such-command")
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        error = await run(peer, upstream, mcpServers=["t"])
    assert (error["data"]["kind"], upstream.requests) == ("toolFailed", [])


@pytest.mark.parametrize("end", ["kill", "terminate"])
async def test_servers_end_with_the_daemon_however_it_ends(tmp_path: Path, end: str) -> None:
    write_config(tmp_path)
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        await run(peer, upstream, mcpServers=["t"])
        (server,) = [pid for pid, parent, _ in processes() if parent == peer.process.pid]
        getattr(peer.process, end)()
        await peer.exit_code()
        async with asyncio.timeout(TIME_LIMIT):
            while is_running(server):
                await asyncio.sleep(0.02)
