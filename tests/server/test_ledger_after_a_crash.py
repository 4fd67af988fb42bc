"""What a daemon that is killed leaves in the ledger."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from harness.peer import Spawned, frame, initialized, request

from agentrouted.testing.upstream import Reply, Upstream

CONFIG = """
providers:
  paid: {{ api_base: "{url}", api_key: k, models: [{{ id: m, price: {{ input: 1, output: 2 }} }}] }}
budgets:
  {budgets}
"""
LOOK = {"name": "look", "inputSchema": {"type": "object"}}


def write_config(home: Path, upstream: Upstream, budgets: str) -> None:
    (home / ".agentroute").mkdir(exist_ok=True)
    (home / ".agentroute/config.yaml").write_text(CONFIG.format(url=upstream.url, budgets=budgets))


def under_way(home: Path) -> int:
    with sqlite3.connect(home / ".agentroute/data/agentrouted.db") as connection:
        return int(connection.execute("SELECT COUNT(*) FROM open_calls").fetchone()[0])


async def totals(peer: Spawned, **params: Any) -> tuple[int, int, int]:
    """Calls, those that are estimated, those that have failed."""
    found = (await peer.call("usage", params))["totals"]
    return found["calls"], found["estimated"], found["errors"]


async def test_a_call_that_had_ended_is_there_and_one_under_way_is_an_estimate(tmp_path: Path) -> None:
    script = [Reply.tool_call("look", {}), Reply.text("Wait", asyncio.Event())]
    async with Upstream(script) as upstream:
        write_config(tmp_path, upstream, "{}")
        async with initialized(tmp_path, tools=True, clientName="vim") as peer:
            params = {"runId": "r", "model": "paid/m", "prompt": "Hi", "tools": [LOOK]}
            peer.send(request(1, "runAgent", params))
            call = await peer.until("tool/call")
            peer.send(frame({"jsonrpc": "2.0", "id": call["id"], "result": {"content": "seen"}}))
            await peer.until("run/event", kind="textDelta")
            while not under_way(tmp_path):
                await asyncio.sleep(0.01)
            peer.process.kill()
            await peer.exit_code()
        async with initialized(tmp_path) as peer:
            assert await totals(peer, runId="r") == (2, 1, 1)
            rows = (await peer.call("usage", {"groupBy": ["client", "kind"]}))["rows"]
    assert [(row["client"], row["kind"], row["calls"]) for row in rows] == [("vim", "turn", 2)]


async def test_what_was_set_aside_for_it_is_free_again(tmp_path: Path) -> None:
    async with Upstream([Reply.silence(), Reply.text("Hello")]) as upstream:
        write_config(tmp_path, upstream, "all: { calls: 1, per: month }")
        async with initialized(tmp_path) as peer:
            peer.send(request(1, "runAgent", {"model": "paid/m", "prompt": "Hi"}))
            await upstream.received()
            peer.process.kill()
            await peer.exit_code()
        async with initialized(tmp_path) as peer:
            assert (await peer.call("runAgent", {"model": "paid/m", "prompt": "Hi"}))["text"] == "Hello"
            refused = await peer.call("runAgent", {"model": "paid/m", "prompt": "Hi"})
            heard = [each["params"] for each in peer.seen if each.get("method") == "usage/didReachBudget"]
            [state] = (await peer.call("usage"))["budgets"]
    assert refused["data"]["kind"] == "budgetExceeded" and refused["data"]["details"]["name"] == "all"
    assert [(each["percent"], each["unit"]) for each in heard] == [(80, "calls"), (100, "calls")]
    assert (state["name"], state["unit"], state["limit"], state["spent"], state["reserved"]) == (
        "all",
        "calls",
        1,
        1,
        0,
    )


async def test_a_folder_is_the_same_with_a_slash_behind_it(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        write_config(tmp_path, upstream, 'all: { calls: 1, per: day, match: { workspace: "/work/app/" } }')
        told = list[dict[str, Any]]()
        for folder in ("/work/app/", "/work/app"):
            async with initialized(tmp_path, workspace=folder) as peer:
                told.append(await peer.call("runAgent", {"model": "paid/m", "prompt": "Hi"}))
                rows = (await peer.call("usage", {"groupBy": ["workspace"]}))["rows"]
    assert "text" in told[0] and told[1]["data"]["kind"] == "budgetExceeded"
    assert [(row["workspace"], row["calls"]) for row in rows] == [("/work/app", 1)]


async def test_usage_has_a_twin_among_the_commands(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        asked = {"command": "agentrouted.usage", "arguments": [{"groupBy": ["day"]}]}
        assert (await peer.call("workspace/executeCommand", asked))["totals"]["calls"] == 0


async def test_what_a_run_said_is_not_told_with_a_ledger_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / ".agentroute/data/agentrouted.db").mkdir(parents=True)
    async with Upstream() as upstream:
        write_config(tmp_path, upstream, "all: { calls: 9, per: day }")
        async with initialized(tmp_path) as peer:
            failed = await peer.call("runAgent", {"model": "paid/m", "prompt": "heron"})
            assert [message["content"] for message in failed["data"]["messages"]] == ["heron"]
            error = await peer.call("usage", {})
    assert error["data"]["kind"] == "storage" and not {"messages", "usage", "runId"} & error["data"].keys()
