"""`model/probe` at a daemon."""

from pathlib import Path

from harness.peer import frame, initialized, notification, request, spawned

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


async def test_a_probe_has_its_key_from_the_editor(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    async with Upstream(SCRIPT) as upstream, spawned(tmp_path) as peer:
        (tmp_path / ".agentroute/config.yaml").write_text(
            f"providers: {{acme: {{api_base: '{upstream.url}', local: false}}}}"
        )
        await peer.initialize(secrets=True)
        await peer.call("config/reload")
        peer.send(request(1, "model/probe", {"model": "acme/m"}))
        asked = await peer.until("secret/get")
        peer.send(frame({"jsonrpc": "2.0", "id": asked["id"], "result": {"value": "sk-of-the-editor"}}))
        assert (await peer.answer(1))["result"]["tools"]
    assert {request.headers["authorization"] for request in upstream.requests} == {"Bearer sk-of-the-editor"}
