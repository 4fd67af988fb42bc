"""`model/probe` at a daemon."""

from pathlib import Path

from harness.peer import initialized, notification, request

from agentrouted.testing.upstream import Reply, Upstream

SCRIPT = [Reply.text("One", " two"), Reply.tool_call("report", {"number": 7}), Reply.text('{"animal": "otter"}')]


async def test_a_daemon_probes_and_lists_what_it_found(tmp_path: Path) -> None:
    async with Upstream(SCRIPT) as upstream, initialized(tmp_path) as peer:
        result = await peer.call("model/probe", {"model": f"{upstream.url}/m"})
        (profile,) = (await peer.call("model/list"))["profiles"]
    assert result["jsonSchema"] and result["tools"] and result["streaming"]
    assert (profile["baseUrl"], profile["modelId"]) == (upstream.url, "m")
    assert {finding["name"] for finding in profile["findings"]} > {"json_schema", "usage"}


async def test_a_probe_can_be_cancelled(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, initialized(tmp_path) as peer:
        peer.send(request(1, "model/probe", {"model": f"{upstream.url}/m"}))
        asked = await upstream.received()
        peer.send(notification("$/cancelRequest", {"id": 1}))
        assert (await peer.answer(1))["error"]["code"] == -32800
        await asked.closed_early.wait()
