"""Structured output through the whole loop."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs

from agentrouted.core.errors import InvalidParams, OutputInvalid
from agentrouted.core.host import SilentHost
from agentrouted.core.output.wanted import OUTPUT_TOOL
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.events import Event, OutputPartial

CITY = {
    "title": "City",
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name", "people"],
}
ROME = {"name": "Rome", "people": 3}
ADD = {"name": "add", "inputSchema": {"type": "object"}}


def tool_answer(answer: Any, call_id: str = "o") -> Reply:
    return Reply.tool_call(OUTPUT_TOOL, answer, call_id)


async def test_an_answer_by_the_output_tool_is_the_result(tmp_path: Path) -> None:
    async with Upstream([tool_answer({**ROME, "people": "3"})]) as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, output=CITY), SilentHost()).result()
    assert result.output == ROME and result.stop_reason == "end_turn"
    assert [message.role for message in result.messages] == ["user", "assistant", "tool"]
    assert upstream.requests[0].body["tool_choice"]["function"]["name"] == OUTPUT_TOOL


async def test_text_that_parses_counts(tmp_path: Path) -> None:
    text = 'Here it is:\n```json\n{"name": "Rome", "people": 3}\n```'
    async with Upstream([Reply.text(text)]) as upstream, runs(tmp_path) as all_runs:
        assert (await all_runs.start(asked(upstream, output=CITY), SilentHost()).result()).output == ROME


async def test_what_does_not_fit_is_asked_for_again_and_then_refused(tmp_path: Path) -> None:
    script = [tool_answer({"name": "Rome"}, "1"), tool_answer({"people": 1}, "2")]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(OutputInvalid) as caught:
            await all_runs.start(asked(upstream, output=CITY), SilentHost()).result()
    assert len(upstream.requests) == 2
    told = upstream.requests[1].body["messages"][-1]
    assert told["role"] == "tool" and told["content"].startswith("Retry: invalid structured output.")
    details = caught.value.details
    assert details is not None and details["errors"] and "text" in details


async def test_retries_are_counted(tmp_path: Path) -> None:
    script = [Reply.text("one"), Reply.text("two"), Reply.text("three"), tool_answer(ROME)]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, output=CITY, retries=3), SilentHost()).result()
    assert result.output == ROME and result.usage.model_calls == 4


async def test_the_users_tools_stay_usable(tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), tool_answer(ROME)]
    host = WritingHost({"add": "3"})
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, output=CITY, tools=[ADD]), host).result()
    assert result.output == ROME and len(host.calls) == 1
    assert upstream.requests[0].body["tool_choice"] == "required"


async def test_calls_beside_the_answer_are_not_made(tmp_path: Path) -> None:
    script = [Reply.tool_calls({"a": ("add", {}), "o": (OUTPUT_TOOL, ROME)})]
    host = WritingHost({"add": "3"})
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, output=CITY, tools=[ADD]), host).result()
    assert host.calls == [] and [message.tool_call_id for message in result.messages[2:]] == ["a", "o"]


async def test_calls_beside_a_refused_answer_are_made(tmp_path: Path) -> None:
    script = [Reply.tool_calls({"a": ("add", {}), "o": (OUTPUT_TOOL, {})}), tool_answer(ROME, "p")]
    host = WritingHost({"add": "3"})
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, output=CITY, tools=[ADD]), host).result()
    assert len(host.calls) == 1 and result.output == ROME
    assert [message["tool_call_id"] for message in upstream.requests[1].body["messages"][-2:]] == ["a", "o"]


async def test_what_an_endpoint_refuses_is_asked_for_in_another_way_and_remembered(tmp_path: Path) -> None:
    def no_tools(request: Received) -> Reply:
        if "tools" in request.body:
            return Reply.status(400, {"error": {"message": "tools are not supported by this model"}})
        return Reply.text('{"name": "Rome", "people": 3}')

    async with Upstream([no_tools]) as upstream, runs(tmp_path) as all_runs:
        for _ in range(2):
            result = await all_runs.start(asked(upstream, output=CITY), SilentHost()).result()
            assert result.output == ROME
    assert ["tools" in request.body for request in upstream.requests] == [True, False, False]


async def test_an_endpoint_that_holds_replies_to_a_schema_is_asked_to(tmp_path: Path) -> None:
    config = "providers: {{here: {{api_base: '{url}', models: [{{id: m, json_schema: true}}]}}}}"
    script = [Reply.text('{"name": "Rome", "people": 3}')]
    async with Upstream(script) as upstream, runs(tmp_path, config.format(url=upstream.url)) as all_runs:
        params = asked(upstream, output=CITY).model_copy(update={"model": "here/m"})
        assert (await all_runs.start(params, SilentHost()).result()).output == ROME
    sent = upstream.requests[0].body["response_format"]
    assert sent["type"] == "json_schema" and sent["json_schema"]["name"] == "City"


async def test_the_answer_is_seen_while_it_is_written(tmp_path: Path) -> None:
    class Reader(WritingHost):
        def emit(self, event: Event) -> None:
            super().emit(event)
            if isinstance(event, OutputPartial):
                gate.set()

    host, gate = Reader(), asyncio.Event()
    script = [Reply.text('{"name": "Ro', gate, 'me", "people": 3}')]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        await all_runs.start(asked(upstream, output=CITY), host).result()
    partial = [event.output for event in host.events if event.kind == "outputPartial"]
    assert partial and partial[-1] == ROME and {"name": "Ro"} in partial


async def test_a_list_is_an_answer_too(tmp_path: Path) -> None:
    schema = {"type": "array", "items": {"type": "integer"}}
    async with Upstream([tool_answer({"result": [1, "2"]})]) as upstream, runs(tmp_path) as all_runs:
        assert (await all_runs.start(asked(upstream, output=schema), SilentHost()).result()).output == [1, 2]


async def test_text_mode_asks_for_nothing(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, output=CITY, outputMode="text"), SilentHost()).result()
    assert result.output == "Hello world" and "tools" not in upstream.requests[0].body


async def test_a_refusal_is_no_answer_and_is_not_asked_again(tmp_path: Path) -> None:
    async with Upstream([Reply.text("No.", finish="content_filter")]) as upstream, runs(tmp_path) as all_runs:
        result = await all_runs.start(asked(upstream, output=CITY), SilentHost()).result()
    assert (result.stop_reason, result.output, result.text) == ("refusal", None, "No.")


async def test_a_schema_that_is_none_is_told_before_anything_is_paid_for(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(InvalidParams):
            all_runs.start(asked(upstream, output={"type": "nonsense"}), SilentHost())
    assert upstream.requests == []
