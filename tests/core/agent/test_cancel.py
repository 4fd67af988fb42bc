"""A run that is cancelled ends at once, wherever it is."""

import asyncio
from pathlib import Path

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, lasting_runs, runs

from agentrouted.core.history.repair import repair
from agentrouted.testing.replies import chunk
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.client_requests import (
    ToolApproveParams,
    ToolApproveResult,
    ToolCallParams,
    ToolCallResult,
)
from agentrouted_protocol.events import Event
from agentrouted_protocol.runs import RunResult

TOOLS = [{"name": "add", "inputSchema": {"type": "object"}}, {"name": "wait", "inputSchema": {"type": "object"}}]
BOTH = Reply.tool_calls({"x": ("add", {}), "y": ("wait", {})})


class Waiting(WritingHost):
    """Never answers a call of `wait`, or a question. Its events are set as soon as it hears of something."""

    def __init__(self) -> None:
        super().__init__({"add": "3"})
        self.told = asyncio.Event()
        self.asked = asyncio.Event()
        self.answered = asyncio.Event()
        self.stopped = asyncio.Event()

    def emit(self, event: Event) -> None:
        super().emit(event)
        if self.kinds[-1] in ("textDelta", "toolCallArguments"):
            self.told.set()
        if self.kinds[-1] == "toolCallEnd":
            self.answered.set()

    async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
        if params.name == "wait":
            await self._hang()
        return await super().call_tool(params)

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        await self._hang()
        return await super().approve(params)

    async def _hang(self) -> None:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()


def _is_cancelled(result: RunResult) -> bool:
    """It says so, and leaves a transcript that can be sent as it is."""
    return result.stop_reason == "cancelled" and result.interrupted and repair(result.messages) == result.messages


async def test_at_once(tmp_path: Path) -> None:
    host = Waiting()
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream), host)
        assert run.cancel() and run.cancel()
        result = await run.result()
        assert not run.cancel()
    assert _is_cancelled(result) and upstream.requests == []
    assert (result.text, host.kinds) == ("", ["agentStart", "agentEnd"])


async def test_before_the_first_byte(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream), Waiting())
        request = await upstream.received()
        run.cancel()
        result = await run.result()
        await request.closed_early.wait()
    assert _is_cancelled(result) and [each.role for each in result.messages] == ["user"]
    assert (result.usage.model_calls, result.usage.estimated, result.usage.output_tokens) == (1, True, 0)
    assert result.usage.input_tokens > 0


async def test_in_mid_stream(tmp_path: Path) -> None:
    host = Waiting()
    async with Upstream([Reply.text("Once upon", asyncio.Event(), " a time")]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream), host)
        await host.told.wait()
        run.cancel()
        result = await run.result()
        await upstream.requests[0].closed_early.wait()
    assert _is_cancelled(result) and result.text == result.output == result.messages[-1].content == "Once upon"
    assert (result.usage.model_calls, result.usage.estimated, result.usage.output_tokens) == (1, True, 3)


async def test_while_a_call_is_written(tmp_path: Path) -> None:
    host = Waiting()
    begun = {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "add", "arguments": '{"a": '}}]}
    async with Upstream([Reply.events(chunk(begun), asyncio.Event())]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream, tools=TOOLS), host)
        await host.told.wait()
        run.cancel()
        result = await run.result()
        await upstream.requests[0].closed_early.wait()
    assert _is_cancelled(result) and [each.role for each in result.messages] == ["user"]
    assert host.calls == [] and result.usage.output_tokens > 0


@pytest.mark.parametrize("needs_approval", [False, True])
async def test_in_a_tool_or_its_approval(needs_approval: bool, tmp_path: Path) -> None:
    host = Waiting()
    tools = [TOOLS[0], {**TOOLS[1], "needsApproval": needs_approval}]
    async with Upstream([BOTH]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream, tools=tools), host)
        await host.asked.wait()
        await host.answered.wait()
        run.cancel()
        result = await run.result()
        await host.stopped.wait()
    assert _is_cancelled(result) and len(upstream.requests) == 1
    done, interrupted = (str(each.content) for each in result.messages if each.role == "tool")
    assert done == "3"
    assert ("not made" if needs_approval else "unknown whether") in interrupted
    assert (result.usage.model_calls, result.usage.tool_calls, result.usage.estimated) == (1, 1, False)
    assert host.kinds[-1] == "agentEnd"


async def test_a_tool_that_will_not_stop_is_not_waited_for(tmp_path: Path) -> None:
    free = asyncio.Event()

    class Deaf(Waiting):
        async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
            self.asked.set()
            while not free.is_set():
                try:
                    await free.wait()
                except asyncio.CancelledError:
                    self.stopped.set()
            return ToolCallResult(content="late")

    host = Deaf()
    async with Upstream([Reply.tool_call("wait", {})]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream, tools=TOOLS), host)
        await host.asked.wait()
        run.cancel()
        result = await run.result()
        assert host.stopped.is_set()
        free.set()
    assert _is_cancelled(result) and "unknown whether" in str(result.messages[-1].content)


async def test_when_its_end_is_written_it_comes_too_late_and_the_bill_is_told(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Hello")]) as upstream, lasting_runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream), WritingHost())
        while not run.is_over:
            await asyncio.sleep(0)
        assert run.cancel()
        result = await run.result()
        assert (result.stop_reason, result.usage.model_calls) == ("end_turn", 1)
        assert (await all_runs.stored(run.run_id)).status == "completed"
