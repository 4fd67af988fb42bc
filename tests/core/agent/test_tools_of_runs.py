"""Tools through the whole loop: arguments, timeouts, barriers, asking again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs

from agentrouted.core.agent.inside import Inside
from agentrouted.core.agent.tools.base import Tool, ToolRetry, ToolUse
from agentrouted.core.errors import OutputInvalid
from agentrouted.core.host import SilentHost
from agentrouted.core.wire.base import ToolSpec
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.client_requests import ToolCallParams, ToolCallResult

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def client_tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": NUMBER, **more}


def told(upstream: Upstream) -> list[str]:
    """What the model was told of its calls."""
    return [message["content"] for message in upstream.requests[-1].body["messages"] if message["role"] == "tool"]


async def test_arguments_are_coerced_where_it_is_safe(tmp_path: Path) -> None:
    host = WritingHost({"add": "3"})
    async with Upstream([Reply.tool_call("add", {"n": "2"}), Reply.text("Done")]) as upstream, runs(tmp_path) as here:
        await here.start(asked(upstream, tools=[client_tool("add")]), host).result()
    assert host.calls[0].arguments == {"n": 2}


async def test_arguments_that_do_not_fit_are_told_to_the_model_and_not_sent(tmp_path: Path) -> None:
    host = WritingHost({"add": "3"})
    async with (
        Upstream([Reply.tool_call("add", {"n": "two"}), Reply.text("Sorry")]) as upstream,
        runs(tmp_path) as here,
    ):
        await here.start(asked(upstream, tools=[client_tool("add")]), host).result()
    assert host.calls == []
    assert told(upstream) == ["Error: the arguments of add do not fit its schema: n: is not of type 'integer'"]


async def test_tools_of_a_turn_run_together_but_those_that_must_not_run_alone(tmp_path: Path) -> None:
    class Watching(WritingHost):
        now: set[str] = set()
        beside: dict[str, set[str]] = {}

        async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
            self.now.add(params.call_id)
            await asyncio.sleep(0.01)
            self.beside[params.call_id] = set(self.now)
            self.now.remove(params.call_id)
            return ToolCallResult(content=params.call_id)

    host = Watching()
    calls = {f"c{n}": ("pay" if n == 2 else "add", {"n": n}) for n in range(5)}
    tools = [client_tool("add"), client_tool("pay", effect="once")]
    async with Upstream([Reply.tool_calls(calls), Reply.text("Done")]) as upstream, runs(tmp_path) as here:
        await here.start(asked(upstream, tools=tools), host).result()
    assert told(upstream) == ["c0", "c1", "c2", "c3", "c4"]
    assert host.beside["c0"] >= {"c0", "c1"} and host.beside["c2"] == {"c2"} and host.beside["c3"] == {"c3", "c4"}


async def test_a_tool_that_does_not_stop_is_not_waited_for(tmp_path: Path) -> None:
    """It is told to, and ignores it."""
    gate = asyncio.Event()

    async def stubborn(use: ToolUse) -> ToolCallResult:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return ToolCallResult(content="late")

    tool = Tool(ToolSpec("dig", "", NUMBER), check=dict, call=stubborn, timeout=0.02)
    async with (
        Upstream([Reply.tool_call("dig", {"n": 1}), Reply.text("Then not.")]) as upstream,
        runs(tmp_path) as here,
    ):
        result = await here.start(asked(upstream), SilentHost(), Inside(tools=(tool,))).result()
        gate.set()
    assert result.text == "Then not."
    assert told(upstream) == ["Error: TimeoutError: dig gave no answer within 0.02 s"]


async def ask_again(use: ToolUse) -> ToolCallResult:
    raise ToolRetry("use a larger one")


ASKS_AGAIN = Inside(tools=(Tool(ToolSpec("dig", "", NUMBER), check=dict, call=ask_again),))


async def test_a_tool_that_asks_for_another_call_is_counted(tmp_path: Path) -> None:
    script = [Reply.tool_call("dig", {"n": n}, f"c{n}") for n in range(3)]
    async with Upstream(script) as upstream, runs(tmp_path) as here:
        with pytest.raises(OutputInvalid) as caught:
            await here.start(asked(upstream, retries=2), SilentHost(), ASKS_AGAIN).result()
    assert told(upstream) == ["Retry: use a larger one"] * 2 and len(upstream.requests) == 3
    assert caught.value.details is not None and caught.value.details["errors"] == ["use a larger one"]


async def test_two_tools_of_one_name_are_refused(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as here:
        run = here.start(asked(upstream, tools=[client_tool("dig")]), SilentHost(), ASKS_AGAIN)
        with pytest.raises(Exception, match="two tools are called `dig`"):
            await run.result()
