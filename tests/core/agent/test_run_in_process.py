"""Runs in process: the core without a door."""

import asyncio
from pathlib import Path

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs

from agentrouted.core.errors import AgentroutedError, MaxTurns, NotFound
from agentrouted.core.host import SilentHost
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.client_requests import ToolCallParams, ToolCallResult
from agentrouted_protocol.runs import RunAgentParams, Tool

ADD = Tool(name="add", input_schema={"type": "object"})


async def test_a_run_tells_its_steps_in_order(tmp_path: Path) -> None:
    host = WritingHost({"add": "3"})
    script = [Reply.tool_call("add", {"a": 1}), Reply.text("It is 3.")]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, tools=[ADD]), host).result()
    assert result.text == "It is 3."
    assert host.kinds == [
        "agentStart",
        *("modelCallStart", "toolCallStart", "toolCallArguments", "modelCallEnd", "toolCallEnd"),
        *("modelCallStart", "textDelta", "modelCallEnd", "agentEnd"),
    ]
    assert result.last_seq == len(host.events)


async def test_a_run_needs_nobody_who_listens(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        assert (await all_runs.start(asked(upstream), SilentHost()).result()).text == "Hello world"


async def test_a_failed_run_has_its_bill_and_transcript(tmp_path: Path) -> None:
    host = WritingHost({"add": "3"})
    async with Upstream([Reply.tool_call("add", {})]) as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(MaxTurns) as caught:
            await all_runs.start(asked(upstream, tools=[ADD], max_turns=1), host).result()
    assert caught.value.usage is not None and caught.value.usage.tool_calls == 1
    assert [message.role for message in caught.value.messages or ()] == ["user", "assistant", "tool"]
    assert host.events[-1].stop_reason is None


async def test_an_empty_reply_is_asked_for_once_more(tmp_path: Path) -> None:
    host = WritingHost()
    async with Upstream([Reply.text(), Reply.text("Now.")]) as upstream, runs(tmp_path) as all_runs:
        assert (await all_runs.start(asked(upstream), host).result()).text == "Now."
    assert "retry" in host.kinds


async def test_who_stops_waiting_does_not_stop_the_run(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text("Hello").held(gate)]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream), SilentHost())
        waiting = asyncio.create_task(run.result())
        await upstream.received()
        waiting.cancel()
        gate.set()
        assert (await run.result()).text == "Hello"


async def test_a_fault_of_ours_leaves_a_bill_and_a_last_event(tmp_path: Path) -> None:
    class Broken(WritingHost):
        async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
            raise RuntimeError("a bug")

    host = Broken()
    async with Upstream([Reply.tool_call("add", {})]) as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(AgentroutedError) as caught:
            await all_runs.start(asked(upstream, tools=[ADD]), host).result()
    assert caught.value.kind == "internalError" and caught.value.usage is not None
    assert host.kinds[-1] == "agentEnd"


async def test_a_later_turn_begins_with_the_endpoint_that_answered(tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Done.")]
    async with Upstream([Reply.status(500)]) as dead, Upstream(script) as alive:
        async with runs(tmp_path, f"models: {{fast: ['{dead.url}/m', '{alive.url}/m']}}\n") as all_runs:
            await all_runs.start(
                RunAgentParams(model="fast", prompt="Hi", tools=[ADD]), WritingHost({"add": "3"})
            ).result()
        assert (len(dead.requests), len(alive.requests)) == (1, 2)


async def test_closing_cancels_what_runs(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream, run_id="r"), SilentHost())
        await upstream.received()
        await all_runs.aclose()
        assert (await run.result()).stop_reason == "cancelled"
        assert (all_runs.running, all_runs.find("r")) == (0, None)


async def test_a_run_nobody_knows_is_not_found(tmp_path: Path) -> None:
    async with runs(tmp_path) as all_runs:
        with pytest.raises(NotFound):
            await all_runs.stored("nobody")
