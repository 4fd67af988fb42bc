"""A whole run in each wire format: a tool, then a structured answer."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.dialects import DIALECTS, Dialect
from harness.hosts import WritingHost
from harness.in_process import runs

from agentrouted.core.errors import AgentroutedError
from agentrouted.core.host import SilentHost
from agentrouted.core.output.wanted import OUTPUT_TOOL
from agentrouted.testing.replies import Reply
from agentrouted.testing.said import Call, Thought
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.runs import RunAgentParams

CITY = {
    "title": "City",
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name", "people"],
}
ROME = {"name": "Rome", "people": 3}
LOOK_UP = {"name": "look_up", "description": "Looks up.", "inputSchema": {"type": "object"}}

pytestmark = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))


def config(dialect: Dialect, upstream: Upstream, **model: Any) -> str:
    models = [{"id": "m", **model}]
    return json.dumps(
        {"providers": {"here": {"api_base": upstream.url, "api_protocol": dialect.wire, "models": models}}}
    )


def asked(**more: Any) -> RunAgentParams:
    return RunAgentParams.model_validate({"model": "here/m", "prompt": "How big is Rome?", **more})


async def test_a_tool_is_called_and_the_answer_fits_its_schema(dialect: Dialect, tmp_path: Path) -> None:
    host = WritingHost({"look_up": "three people"})
    script = [
        dialect.stream(Thought("plan", "s1"), "Let me see.", Call("c1", "look_up", {"city": "Rome"})),
        dialect.stream(Call("c2", OUTPUT_TOOL, ROME)),
    ]
    async with Upstream(script) as upstream, runs(tmp_path, config(dialect, upstream)) as all_runs:
        result = await all_runs.start(asked(tools=[LOOK_UP], output=CITY, instructions="Be brief."), host).result()
    assert (result.output, result.stop_reason) == (ROME, "end_turn")
    assert [message.role for message in result.messages] == ["user", "assistant", "tool", "assistant", "tool"]
    assert (result.usage.model_calls, result.usage.tool_calls, result.usage.input_tokens) == (2, 2, 20)
    assert result.route and result.route.wire == dialect.wire
    assert [call.arguments for call in host.calls] == [{"city": "Rome"}]
    second = json.dumps(upstream.requests[1].body)
    assert "three people" in second and "Be brief." in second and "Let me see." in second
    assert ("s1" in second) is dialect.signs


async def test_an_endpoint_that_holds_replies_to_a_schema_is_asked_to(dialect: Dialect, tmp_path: Path) -> None:
    written = json.dumps(ROME)
    async with Upstream([dialect.stream(*written)]) as upstream:
        config_of = config(dialect, upstream, json_schema=True)
        async with runs(tmp_path, config_of) as all_runs:
            assert (await all_runs.start(asked(output=CITY), SilentHost()).result()).output == ROME
    assert dialect.schema_word in json.dumps(upstream.requests[0].body)
    assert "tools" not in upstream.requests[0].body


async def test_a_schema_that_is_refused_is_asked_for_by_a_tool(dialect: Dialect, tmp_path: Path) -> None:
    refusal = Reply.status(400, {"error": {"message": "output_config.format / response_format: not supported"}})
    script = [refusal, dialect.stream(Call("c1", OUTPUT_TOOL, ROME))]
    async with Upstream(script) as upstream, runs(tmp_path, config(dialect, upstream, json_schema=True)) as all_runs:
        assert (await all_runs.start(asked(output=CITY), SilentHost()).result()).output == ROME
    assert len(upstream.requests[1].body["tools"]) == 1


async def test_a_reply_that_was_cut_short_is_said_to_be(dialect: Dialect, tmp_path: Path) -> None:
    script = [dialect.stream("Rome is", finish=dialect.too_long)]
    async with Upstream(script) as upstream, runs(tmp_path, config(dialect, upstream)) as all_runs:
        result = await all_runs.start(asked(), SilentHost()).result()
    assert (result.text, result.stop_reason) == ("Rome is", "max_tokens")


async def test_a_chain_goes_on_where_one_is_overloaded(dialect: Dialect, tmp_path: Path) -> None:
    async with Upstream([Reply.status(529)]) as busy, Upstream([dialect.stream("Three.")]) as upstream:
        providers = {
            name: {"api_base": each.url, "api_protocol": dialect.wire, "retries": 0}
            for name, each in (("busy", busy), ("here", upstream))
        }
        text = json.dumps({"providers": providers, "models": {"any": ["busy/m", "here/m"]}})
        async with runs(tmp_path, text) as all_runs:
            result = await all_runs.start(asked(model="any"), SilentHost()).result()
    assert result.text == "Three."
    assert result.route and result.route.provider == "here"


async def test_a_run_that_breaks_off_has_its_bill(dialect: Dialect, tmp_path: Path) -> None:
    body = dialect.stream("Rome ", "is").steps[0]
    assert isinstance(body, bytes)
    script = [Reply.raw(body[: body.index(b"Rome") + 120])]
    async with Upstream(script) as upstream, runs(tmp_path, config(dialect, upstream)) as all_runs:
        with pytest.raises(AgentroutedError) as caught:
            await all_runs.start(asked(), SilentHost()).result()
    assert caught.value.kind == "responseTruncated"
    assert caught.value.usage and caught.value.usage.estimated
