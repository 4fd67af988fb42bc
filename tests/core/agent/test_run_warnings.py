"""What a model could not be told, and what it said besides, reaches whoever has started the run."""

from pathlib import Path

from harness.hosts import WritingHost
from harness.in_process import runs

from agentrouted.testing.replies import Reply, chunk
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.events import ModelCallEnd, ModelCallStart
from agentrouted_protocol.runs import RunAgentParams

REFUSES = "providers: {{here: {{api_base: '{url}', quirks: {{parameters: {{seed: false}}}}}}}}"
LOOK_UP = {"name": "look_up", "description": "Looks up.", "inputSchema": {"type": "object"}}


def asked(**more: object) -> RunAgentParams:
    return RunAgentParams.model_validate({"model": "here/m", "prompt": "Hi", **more})


async def test_what_is_left_out_is_told_with_each_call_and_once_in_the_result(tmp_path: Path) -> None:
    host = WritingHost({"look_up": "yes"})
    script = [Reply.tool_call("look_up", {}), Reply.text("Hey")]
    async with Upstream(script) as upstream, runs(tmp_path, REFUSES.format(url=upstream.url)) as all_runs:
        result = await all_runs.start(asked(sampling={"seed": 1}, tools=[LOOK_UP]), host).result()
    warnings = ["`seed` is left out: here/m does not take it"]
    assert result.warnings == warnings
    assert [event.warnings for event in host.events if isinstance(event, ModelCallStart)] == [warnings, warnings]
    assert all("seed" not in request.body for request in upstream.requests)


async def test_what_has_no_place_is_told_with_its_call_and_the_last_of_it_in_the_result(tmp_path: Path) -> None:
    host = WritingHost({"look_up": "yes"})
    plain = Reply.tool_call("look_up", {})
    cited = Reply.events({**chunk({"content": "Hey"}, "stop"), "citations": ["https://x"]}, "[DONE]")
    async with Upstream([plain, cited]) as upstream, runs(tmp_path, REFUSES.format(url=upstream.url)) as all_runs:
        result = await all_runs.start(asked(tools=[LOOK_UP]), host).result()
    assert result.warnings is None
    assert result.raw and result.raw["citations"] == ["https://x"]
    raws = [event.raw or {} for event in host.events if isinstance(event, ModelCallEnd)]
    assert ["citations" in raw for raw in raws] == [False, True]
