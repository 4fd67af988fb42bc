"""Many runs at once, none mixed up with another."""

import asyncio
from pathlib import Path

from harness.hosts import WritingHost
from harness.in_process import asked, runs

from agentrouted.core.agent.runs import Runs
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.client_requests import ToolCallParams, ToolCallResult

ECHO = {"name": "echo", "inputSchema": {"type": "object", "properties": {"word": {"type": "string"}}}}


class Echoing(WritingHost):
    async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
        self.calls.append(params)
        await asyncio.sleep(0)
        return ToolCallResult(content=params.arguments["word"])


def _answer(request: Received) -> Reply:
    """Calls the tool with the prompt, then says what the tool said."""
    last = request.body["messages"][-1]
    if last["role"] == "tool":
        return Reply.text(*last["content"])
    return Reply.tool_call("echo", {"word": last["content"]})


async def _run(all_runs: Runs, upstream: Upstream, word: str) -> str:
    host = Echoing()
    run = all_runs.start(asked(upstream, prompt=word, tools=[ECHO]), host)
    result = await run.result()
    assert {event.run_id for event in host.events} == {call.run_id for call in host.calls} == {result.run_id}
    assert [call.arguments for call in host.calls] == [{"word": word}]
    assert [event.seq for event in host.events] == list(range(1, result.last_seq + 1))
    assert "".join(event.text for event in host.events if event.kind == "textDelta") == result.text
    return result.text


async def test_a_thousand_runs_at_once_all_end_and_none_is_mixed_up(tmp_path: Path) -> None:
    words = [f"word {number}" for number in range(1000)]
    async with Upstream([_answer]) as upstream, runs(tmp_path) as all_runs, asyncio.timeout(300):
        assert await asyncio.gather(*(_run(all_runs, upstream, word) for word in words)) == words
        assert all_runs.running == 0
    assert len(upstream.requests) == 2000
