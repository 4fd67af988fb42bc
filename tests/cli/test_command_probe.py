"""`agentrouted models probe`."""

import json
from pathlib import Path

from harness.command import agentrouted

from agentrouted.testing.upstream import Reply, Upstream

SCRIPT = [Reply.text("One", " two"), Reply.tool_call("report", {"number": 7}), Reply.text('{"animal": "otter"}')]


async def test_the_terminal_shows_what_was_seen(tmp_path: Path) -> None:
    async with Upstream(SCRIPT) as upstream:
        outcome = await agentrouted(tmp_path, "models", "probe", f"{upstream.url}/m")
    rows = {line[:14].strip(): line[14:].split() for line in outcome.out.splitlines()}
    assert (rows["tools"][0], rows["JSON Schema"][0], rows["cost"][0]) == ("yes", "yes", "$0.0000")


async def test_the_terminal_gives_the_result_as_json(tmp_path: Path) -> None:
    async with Upstream(SCRIPT) as upstream:
        outcome = await agentrouted(tmp_path, "models", "probe", f"{upstream.url}/m", "--json")
    assert json.loads(outcome.out)["evidence"]["tools"] == 'called report({"number": 7})'


async def test_the_terminal_wants_a_model_to_probe(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "models", "probe")
    assert (outcome.code, outcome.out) == (2, "") and "agentrouted models probe" in outcome.err
