"""Runs whose daemon is killed at a step that takes others in: an approval, another agent, one kill after another."""

import asyncio
import json
from pathlib import Path
from typing import Any

from harness.peer import TIME_LIMIT, Peer, Spawned, frame, initialized, request

from agentrouted.testing.upstream import Received, Reply, Upstream

PAY = {"name": "pay", "inputSchema": {"type": "object"}, "effect": "once", "needsApproval": True}


async def kill(daemon: Spawned) -> None:
    daemon.process.kill()
    await daemon.process.wait()


async def answer(peer: Peer, method: str, result: dict[str, Any]) -> dict[str, Any]:
    """Wait for that question and answer it; its params."""
    question = await peer.until(method)
    peer.send(frame({"jsonrpc": "2.0", "id": question["id"], "result": result}))
    return dict(question["params"])


async def ended(peer: Peer, run_id: str) -> dict[str, Any]:
    await peer.until("run/event", runId=run_id, kind="agentEnd")
    return dict(await peer.call("run/get", {"runId": run_id}))


async def test_a_call_that_waited_for_its_approval_is_asked_about_as_before(tmp_path: Path) -> None:
    script = [Reply.tool_call("pay", {}), Reply.text("Paid.")]
    async with Upstream(script) as upstream:
        params = {"model": f"{upstream.url}/m", "prompt": "Pay.", "tools": [PAY], "runId": "r", "detach": True}
        async with initialized(tmp_path, tools=True, approvals=True) as first:
            await first.call("runAgent", params)
            asked = (await first.until("tool/approve"))["params"]
            await kill(first)
        async with initialized(tmp_path, tools=True, approvals=True) as second:
            second.send(request(1, "run/resume", {"runId": "r"}))
            # It was not begun: this is the question that was open, and not whether it may be repeated.
            assert await answer(second, "tool/approve", {"decision": "allow_once"}) == asked
            await answer(second, "tool/call", {"content": "done"})
            run = await ended(second, "r")
    assert run["result"]["text"] == "Paid." and len(upstream.requests) == 2


async def test_an_agent_that_another_has_called_goes_on_where_it_was(tmp_path: Path) -> None:
    held = asyncio.Event()
    replies: list[str] = []

    def reply(received: Received) -> Reply:
        """The helper looks at itself by way of `think`, then says it is well; its caller says so too."""
        system, *said = received.body["messages"]
        results = [message["content"] for message in said if message["role"] == "tool"]
        step = f"{system['content']} {len(results)}"
        if step == "helper 1" and not held.is_set():
            held.set()
            return Reply.silence()
        replies.append(step)
        return {
            "caller 0": Reply.tool_call("helper", {"prompt": "How are you?"}, "call_helper"),
            "helper 0": Reply.tool_call("thinker", {"prompt": "Think."}, "call_thinker"),
            "thinker 0": Reply.text("I think."),
            "helper 1": Reply.text("Well."),
            "caller 1": Reply.text("It is well."),
        }[step]

    async with Upstream([reply]) as upstream:
        agents = {
            name: {"model": f"{upstream.url}/m", "instructions": name, "description": name, "agents": calls}
            for name, calls in {"caller": ["helper"], "helper": ["thinker"], "thinker": []}.items()
        }
        (tmp_path / ".agentroute").mkdir()
        (tmp_path / ".agentroute/config.yaml").write_text(json.dumps({"agents": agents}))
        async with initialized(tmp_path) as first:
            await first.call("runAgent", {"agent": "caller", "prompt": "Ask.", "runId": "r", "detach": True})
            async with asyncio.timeout(TIME_LIMIT):
                await held.wait()
            await kill(first)
        async with initialized(tmp_path) as second:
            await second.call("run/resume", {"runId": "r"})
            run = await ended(second, "r")
    assert run["result"]["text"] == "It is well."
    assert replies == ["caller 0", "helper 0", "thinker 0", "helper 1", "caller 1"]
    assert run["usage"]["modelCalls"] == 5


async def test_events_of_a_run_that_was_killed_twice_have_no_gap_and_none_comes_twice(tmp_path: Path) -> None:
    script = [Reply.tool_call("look", {}), Reply.silence(), Reply.text("Wel", asyncio.Event()), Reply.text("Well.")]
    look = {"name": "look", "inputSchema": {"type": "object"}}
    async with Upstream(script) as upstream:
        params = {"model": f"{upstream.url}/m", "prompt": "Look.", "tools": [look], "runId": "r", "detach": True}
        async with initialized(tmp_path, tools=True) as first:
            await first.call("runAgent", params)
            await answer(first, "tool/call", {"content": "seen"})
            await upstream.received()
            await upstream.received()
            await kill(first)
        async with initialized(tmp_path, tools=True) as second:
            await second.call("run/resume", {"runId": "r"})
            await second.until("run/event", kind="textDelta")
            await kill(second)
        async with initialized(tmp_path, tools=True) as third:
            await third.call("run/resume", {"runId": "r"})
            run = await ended(third, "r")
            third.seen.clear()
            attached = await third.call("run/attach", {"runId": "r", "afterSeq": 0})
    events = [message["params"] for message in third.seen if message.get("method") == "run/event"]
    assert [event["seq"] for event in events] == list(range(1, attached["lastSeq"] + 1)) and not attached["gap"]
    assert [event["kind"] for event in events].count("toolCallEnd") == 1
    assert run["result"]["text"] == "Well." and run["usage"]["modelCalls"] == 2
