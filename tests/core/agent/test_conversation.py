"""What is said to a model besides: history, windows, loops, steering, other agents."""

from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs

from agentrouted.core.agent.loops import HINT
from agentrouted.core.errors import NotFound
from agentrouted.core.host import SilentHost
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.messages import Message, ToolCall
from agentrouted_protocol.runs import RunAgentParams

ADD = {"name": "add", "inputSchema": {"type": "object"}}
TURNS = [{"role": role, "content": f"{role} {n}"} for n in range(4) for role in ("user", "assistant")]


def sent(request: Received) -> list[str]:
    return [str(message["content"]) for message in request.body["messages"]]


async def test_a_window_of_turns_is_sent_and_all_are_in_the_result(tmp_path: Path) -> None:
    host = WritingHost()
    history = {"strategy": "slidingWindow", "windowSize": 2}
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        params = asked(upstream, messages=TURNS, history=history, instructions="Be brief.")
        await all_runs.start(params, host).result()
    assert sent(upstream.requests[0]) == ["Be brief.", "user 3", "assistant 3", "Hi"]
    assert [(event.messages_before, event.messages_after) for event in host.events if event.kind == "compaction"] == [
        (10, 4)
    ]


async def test_a_summary_is_paid_for_once(tmp_path: Path) -> None:
    script = [Reply.text("They greeted."), Reply.tool_call("add", {}), Reply.text("Done")]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        history = {"strategy": "summarize", "model": f"{upstream.url}/test-model", "keepRecent": 1}
        params = asked(upstream, messages=TURNS, history=history, tools=[ADD])
        result = await all_runs.start(params, WritingHost({"add": "3"})).result()
    assert sent(upstream.requests[1]) == ["Conversation summary so far:\nThey greeted.", "Hi"]
    assert len(upstream.requests) == 3 and result.usage.model_calls == 3


async def test_a_conversation_that_is_too_long_is_shortened_once_and_sent_again(tmp_path: Path) -> None:
    def picky(request: Received) -> Reply:
        if sum(map(len, sent(request))) > 3000:
            return Reply.status(
                400, {"error": {"message": "maximum context length is 800 tokens", "code": "context_length_exceeded"}}
            )
        return Reply.text("Fine")

    long = [{"role": "user", "content": f"{n} " + "word " * 200} for n in range(5)]
    async with Upstream([picky]) as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, messages=long), SilentHost()).result()
    assert result.text == "Fine" and len(upstream.requests) == 2


async def test_a_long_result_is_cut_for_a_small_window_and_can_be_read_on(tmp_path: Path) -> None:
    config = "providers: {{here: {{api_base: '{url}', models: [{{id: m, context_window: 3000}}]}}}}"
    script = [
        Reply.tool_call("add", {}, "long"),
        Reply.tool_call("read_result", {"call_id": "long", "offset": 30000, "limit": 5}, "more"),
        Reply.text("Read."),
    ]
    host = WritingHost({"add": "x" * 30000 + "the end"})
    async with Upstream(script) as upstream, runs(tmp_path, config.format(url=upstream.url)) as all_runs:
        params = asked(upstream, tools=[ADD]).model_copy(update={"model": "here/m"})
        result = await all_runs.start(params, host).result()
    assert len(sent(upstream.requests[1])[-1]) < 12000
    assert "the e" in sent(upstream.requests[2])[-1]
    assert len(str(result.messages[2].content)) == 30007


async def test_a_run_that_goes_round_in_circles_is_told_and_then_stopped(tmp_path: Path) -> None:
    async with Upstream([Reply.tool_call("add", {"a": 1})]) as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, tools=[ADD]), WritingHost({"add": "3"})).result()
    assert result.stop_reason == "loop" and len(upstream.requests) == 4
    assert sent(upstream.requests[3])[-1] == HINT


@pytest.mark.parametrize(("length", "turns"), [(2, 8), (3, 12)])
async def test_a_round_of_several_turns_is_a_circle_too(length: int, turns: int, tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {"a": n % length}) for n in range(20)]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        params = asked(upstream, tools=[ADD], maxTurns=20)
        result = await all_runs.start(params, WritingHost({"add": "3"})).result()
    assert result.stop_reason == "loop" and len(upstream.requests) == turns
    assert [message.content for message in result.messages].count(HINT) == 1


async def test_work_that_goes_on_is_no_circle(tmp_path: Path) -> None:
    """Edit and test, edit and test: the same test fails each time, but the edits are others."""
    script = [Reply.tool_call("add", {"a": n if n % 2 else 0}) for n in range(12)]
    async with Upstream([*script, Reply.text("Done")]) as upstream, runs(tmp_path) as all_runs:
        params = asked(upstream, tools=[ADD], maxTurns=20)
        result = await all_runs.start(params, WritingHost({"add": "3"})).result()
    assert result.stop_reason == "end_turn"


async def test_what_was_broken_in_a_conversation_is_sent_mended(tmp_path: Path) -> None:
    broken: list[Any] = [
        Message(role="tool", tool_call_id="gone", content="orphan").to_wire(),
        Message(role="assistant", tool_calls=[ToolCall(id="1", name="add")]).to_wire(),
    ]
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        await all_runs.start(asked(upstream, messages=broken), SilentHost()).result()
    messages = upstream.requests[0].body["messages"]
    assert [message["role"] for message in messages] == ["assistant", "tool", "user"]
    assert messages[1]["tool_call_id"] == "1" and messages[1]["content"].startswith("Error: ")


async def test_what_is_said_to_a_run_is_said_before_its_next_turn(tmp_path: Path) -> None:
    async with Upstream([Reply.text("One"), Reply.text("Two")]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream), SilentHost())
        run.steer("And now?")
        result = await run.result()
    # It was said before the first turn already.
    assert sent(upstream.requests[0]) == ["Hi", "And now?"] and result.text == "One"


AGENTS = """
agents:
  boss: {{model: '{url}/boss', agents: [reviewer]}}
  reviewer: {{model: '{url}/reviewer', instructions: You review., description: Reads a diff}}
"""


async def test_an_agent_calls_another(tmp_path: Path) -> None:
    host = WritingHost()
    script = [Reply.tool_call("reviewer", {"prompt": "Look."}), Reply.text("Fine."), Reply.text("It is fine.")]
    async with Upstream(script) as upstream, runs(tmp_path, AGENTS.format(url=upstream.url)) as all_runs:
        result = await all_runs.start(RunAgentParams(agent="boss", prompt="Go", run_id="top"), host).result()
    assert result.text == "It is fine." and result.usage.model_calls == 3
    assert upstream.requests[0].body["tools"][0]["function"]["description"] == "Reads a diff"
    assert sent(upstream.requests[1]) == ["You review.", "Look."]
    inner = [event for event in host.events if event.parent_run_id == "top"]
    assert (inner[0].kind, inner[-1].kind) == ("agentStart", "agentEnd")
    assert [event.seq for event in inner] == list(range(1, len(inner) + 1))


async def test_cancelling_an_agent_cancels_those_it_called(tmp_path: Path) -> None:
    script = [Reply.tool_call("reviewer", {"prompt": "Look."}), Reply.silence()]
    async with Upstream(script) as upstream, runs(tmp_path, AGENTS.format(url=upstream.url)) as all_runs:
        run = all_runs.start(RunAgentParams(agent="boss", prompt="Go"), SilentHost())
        await upstream.received()
        await upstream.received()
        run.cancel()
        result = await run.result()
        assert result.stop_reason == "cancelled" and all_runs.running == 0
        await upstream.requests[1].closed_early.wait()
    assert result.messages[-1].role == "tool"


async def test_an_agent_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(NotFound):
            all_runs.start(asked(upstream, agents=["reviewr"]), SilentHost())
