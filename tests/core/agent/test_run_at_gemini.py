"""Runs at a Gemini: what it signed comes back to it, and a prompt that it blocks is a refusal."""

import json
from pathlib import Path

from harness.hosts import WritingHost
from harness.in_process import runs

from agentrouted.testing import gemini
from agentrouted.testing.replies import Reply
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.runs import RunAgentParams, RunResult

NOW = {"name": "now", "inputSchema": {"type": "object"}}


async def run_at(upstream: Upstream, home: Path) -> RunResult:
    config = {"providers": {"google": {"api_base": upstream.url, "api_key": "k"}}}
    params = RunAgentParams.model_validate({"model": "google/gemini-3-pro", "prompt": "Hi", "tools": [NOW]})
    async with runs(home, json.dumps(config)) as all_runs:
        return await all_runs.start(params, WritingHost({"now": "noon"})).result()


async def test_the_signature_of_a_call_goes_back_with_it(tmp_path: Path) -> None:
    part = {"functionCall": {"name": "now", "args": {}}, "thoughtSignature": "c2ln"}
    script = [Reply.json(gemini.chunk([part], "STOP")), gemini.stream("It is noon.")]
    async with Upstream(script) as upstream:
        result = await run_at(upstream, tmp_path)
    asked, told = upstream.requests[1].body["contents"][1:]
    assert asked["parts"][0]["thoughtSignature"] == "c2ln"
    assert told["parts"][0]["functionResponse"]["response"] == {"output": "noon"}
    assert (result.text, result.route and result.route.wire) == ("It is noon.", "gemini_generate_content")


async def test_a_prompt_that_is_blocked_ends_the_run_as_a_refusal(tmp_path: Path) -> None:
    async with Upstream([Reply.events({"promptFeedback": {"blockReason": "SAFETY"}})]) as upstream:
        result = await run_at(upstream, tmp_path)
    assert (result.stop_reason, result.text) == ("refusal", "")
