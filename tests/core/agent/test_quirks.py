"""What model servers really send, through the whole loop."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs
from harness.quirks import ANSWERS, DONE, ONE, QUIRKS, Quirk, Said, call, said

from agentrouted.core.agent.runs import Runs
from agentrouted.core.errors import AgentroutedError, RateLimited
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.messages import Message, Usage

_NUMBERS: Final = {"a": {"type": "integer"}, "b": {"type": "integer"}}
TOOLS: Final = [
    {"name": "add", "inputSchema": {"type": "object", "properties": _NUMBERS, "required": ["a", "b"]}},
    {"name": "time", "inputSchema": {"type": "object"}},
]
WAYS: Final[Mapping[str, Callable[[Said], Reply]]] = {
    "streamed": lambda said: said.streamed,
    "byte by byte": lambda said: said.streamed.dripped(),
    "whole": lambda said: said.whole,
}


@pytest.mark.parametrize("quirk", QUIRKS.values(), ids=QUIRKS)
async def test_a_run_takes_what_servers_send(quirk: Quirk, tmp_path: Path) -> None:
    async with runs(tmp_path) as all_runs:
        for way, sent_by in WAYS.items():
            async with Upstream([sent_by(said) for said in quirk.replies]) as upstream:
                await _check(quirk, way, upstream, all_runs)


async def _check(quirk: Quirk, way: str, upstream: Upstream, all_runs: Runs) -> None:
    host = WritingHost(ANSWERS)
    run = all_runs.start(asked(upstream, tools=TOOLS), host)
    try:
        result = await run.result()
        messages, usage = result.messages, result.usage
        assert (result.text, result.stop_reason, quirk.kind) == (quirk.text, quirk.stop_reason, None), way
    except AgentroutedError as error:
        assert error.kind == quirk.kind and error.messages and error.usage, way
        messages, usage = error.messages, error.usage
        assert _spoken(messages) == quirk.text
    assert [(each.name, each.arguments) for each in host.calls] == quirk.calls, way
    assert [each.content for each in messages if each.role == "tool"] == quirk.told
    assert quirk.reasoning == next((each.reasoning for each in messages if each.role == "assistant"), None)
    assert len(upstream.requests) == len(quirk.replies)
    _check_bill(usage, quirk)
    _check_events(host, messages)
    for request in upstream.requests:
        _check_sent(request.body["messages"])


def _spoken(messages: Sequence[Message]) -> str:
    return "".join(str(each.content) for each in messages if each.role == "assistant")


def _check_bill(usage: Usage, quirk: Quirk) -> None:
    assert (usage.model_calls, usage.estimated) == (quirk.billed, quirk.estimated)
    assert (usage.tool_calls, usage.total_cost_usd) == (len(quirk.told), quirk.cost if quirk.billed else None)
    if not quirk.estimated:
        assert (usage.input_tokens, usage.output_tokens) == (10 * quirk.billed, 5 * quirk.billed)
    assert (usage.input_tokens > 0) == (quirk.billed > 0)


def _check_events(host: WritingHost, messages: Sequence[Message]) -> None:
    """Events say the same as the transcript, and end."""
    assert "".join(event.text for event in host.events if event.kind == "textDelta") == _spoken(messages)
    made = [call.id for each in messages for call in each.tool_calls or ()]
    assert [event.call_id for event in host.events if event.kind == "toolCallEnd"] == made
    assert [event.seq for event in host.events] == list(range(1, len(host.events) + 1))
    assert host.kinds[-1] == "agentEnd"


def _check_sent(conversation: Sequence[dict[str, Any]]) -> None:
    """Every provider takes it: calls have names, objects as arguments and ids of their own, and answers in order."""
    waiting: list[str] = []
    for message in conversation:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert not waiting and (message["content"] or message.get("tool_calls"))
        waiting = [each["id"] for each in message.get("tool_calls", ())]
        for each in message.get("tool_calls", ()):
            assert each["function"]["name"] and isinstance(json.loads(each["function"]["arguments"]), dict)
    ids = [each["id"] for message in conversation for each in message.get("tool_calls", ())]
    assert not waiting and len(set(ids)) == len(ids)


@pytest.mark.parametrize(("model", "sent_back"), [("deepseek-reasoner", "plan"), ("test-model", None)])
async def test_reasoning_goes_back_only_to_those_who_want_it(model: str, sent_back: str | None, tmp_path: Path) -> None:
    thought = said({"reasoning_content": "plan"}, {"tool_calls": [call("add", ONE, id="x")]})
    async with Upstream([thought.streamed, DONE.streamed]) as upstream, runs(tmp_path) as all_runs:
        params = asked(upstream, model=f"{upstream.url}/{model}", tools=TOOLS)
        await all_runs.start(params, WritingHost(ANSWERS)).result()
    assert upstream.requests[1].body["messages"][1].get("reasoning_content") == sent_back


async def test_what_is_said_beside_a_call_goes_back_with_it(tmp_path: Path) -> None:
    script = [said({"content": "Let me see."}, {"tool_calls": [call("add", ONE, id="x")]}).streamed, DONE.streamed]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        await all_runs.start(asked(upstream, tools=TOOLS), WritingHost(ANSWERS)).result()
    (_, reply, result) = upstream.requests[1].body["messages"]
    assert reply["content"] == "Let me see." and result == {
        "role": "tool",
        "name": "add",
        "tool_call_id": "x",
        "content": "3",
    }


async def test_how_long_to_wait_is_told(tmp_path: Path) -> None:
    busy = Reply.status(429, headers={"retry-after": "70"})
    async with Upstream([busy]) as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(RateLimited) as caught:
            await all_runs.start(asked(upstream), WritingHost()).result()
    assert (caught.value.retry_after, caught.value.retryable) == (70, True)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_carries_no_key(code: int, tmp_path: Path) -> None:
    async with Upstream() as elsewhere:
        redirect = Reply.status(code, headers={"location": f"{elsewhere.url}/chat/completions"})
        async with Upstream([redirect]) as upstream, runs(tmp_path) as all_runs:
            with pytest.raises(AgentroutedError) as caught:
                await all_runs.start(asked(upstream, apiKey="sk-secret"), WritingHost()).result()
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-secret"
    assert (elsewhere.connections, caught.value.kind) == (0, "providerError")
