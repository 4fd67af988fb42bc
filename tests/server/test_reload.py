"""The config changes while clients are connected and runs in flight."""

import asyncio
from pathlib import Path
from typing import Any

from harness.peer import Peer, initialized, notification, request

from agentrouted.testing.upstream import Reply, Upstream


def write_config(home: Path, text: str) -> Path:
    """As editors save: a new file that takes the old one's place."""
    file = home / ".agentroute" / "config.yaml"
    file.parent.mkdir(exist_ok=True)
    (new := file.with_suffix(".new")).write_text(text)
    return new.rename(file)


async def reloaded(peer: Peer) -> dict[str, Any]:
    return dict((await peer.until("config/didReload"))["params"])


async def test_a_change_is_in_force_and_told(tmp_path: Path) -> None:
    write_config(tmp_path, "models: {fast: ollama/one}\n")
    async with initialized(tmp_path) as peer:
        assert (await peer.call("resolveModel", {"model": "fast"}))["modelId"] == "one"
        write_config(tmp_path, "models: {fast: ollama/two}\n")
        told = await reloaded(peer)
        assert (told["ok"], told["changed"]) == (True, ["models.fast"])
        route = await peer.call("resolveModel", {"model": "fast"})
        assert (route["modelId"], route["configGeneration"]) == ("two", told["generation"])


async def test_a_config_folder_may_come_later(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        await peer.call("resolveModel", {"model": "x"})
        write_config(tmp_path, "models: {fast: ollama/one}\n")
        assert (await reloaded(peer))["ok"]
        assert (await peer.call("resolveModel", {"model": "fast"}))["modelId"] == "one"


async def test_a_bad_file_changes_nothing_and_is_shown_at_its_line(tmp_path: Path) -> None:
    write_config(tmp_path, "models: {fast: ollama/one}\n")
    async with initialized(tmp_path) as peer:
        await peer.call("resolveModel", {"model": "fast"})
        file = write_config(tmp_path, "models: {fast: ollama/two}\nproviderz: {}\n")
        told = await reloaded(peer)
        assert (told["ok"], told["changed"]) == (False, [])
        assert "providers" in str(told["problems"][0])
        shown = (await peer.until("textDocument/publishDiagnostics"))["params"]
        assert shown["uri"] == file.as_uri()
        assert shown["diagnostics"][0]["range"]["start"] == {"line": 1, "character": 0}
        route = await peer.call("resolveModel", {"model": "fast"})
        assert route["modelId"] == "one" and route["warnings"]
        write_config(tmp_path, "models: {fast: ollama/three}\n")
        assert (await reloaded(peer))["ok"]
        cleared = (await peer.until("textDocument/publishDiagnostics"))["params"]
        assert cleared["diagnostics"] == []


async def test_a_config_that_is_bad_at_the_start_leaves_local_models_usable(tmp_path: Path) -> None:
    write_config(tmp_path, "models: [\n")
    async with initialized(tmp_path) as peer:
        assert not (await reloaded(peer))["ok"]
        assert (await peer.until("textDocument/publishDiagnostics"))["params"]["diagnostics"]
        route = await peer.call("resolveModel", {"model": "ollama/llama3"})
        assert route["provider"] == "ollama" and route["warnings"]


async def test_a_run_in_flight_keeps_its_config(tmp_path: Path) -> None:
    gate = asyncio.Event()
    script = [Reply.tool_call("nothing", {}).held(gate), Reply.text("Done.")]
    async with Upstream(script) as one, Upstream() as two:
        write_config(tmp_path, f"models: {{fast: '{one.url}/test'}}\n")
        async with initialized(tmp_path) as peer:
            peer.send(request(1, "runAgent", {"model": "fast", "prompt": "Hi"}))
            await one.received()
            write_config(tmp_path, f"models: {{fast: '{two.url}/test'}}\n")
            told = await reloaded(peer)
            gate.set()
            result = (await peer.answer(1))["result"]
            assert result["text"] == "Done." and len(one.requests) == 2
            assert result["configGeneration"] == told["generation"] - 1
            after = await peer.call("runAgent", {"model": "fast", "prompt": "Hi"})
            assert after["configGeneration"] == told["generation"] and len(two.requests) == 1


async def test_reload_and_validate_can_be_asked_for(tmp_path: Path) -> None:
    write_config(tmp_path, "models: {fast: ollama/one}\n")
    async with initialized(tmp_path) as peer:
        assert (await peer.call("config/reload"))["ok"]
        assert (await peer.call("config/validate"))["ok"]
        checked = await peer.call("config/validate", {"text": "models:\n  fast: 5\n"})
        assert not checked["ok"] and checked["problems"][0]["range"]["start"]["line"] == 1
        values = {value["path"]: value for value in (await peer.call("config/get", {"path": "models"}))["values"]}
        assert any(value["origin"].endswith("config.yaml:1") for value in values.values())


async def test_a_client_may_change_its_options(tmp_path: Path) -> None:
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        settings = {"settings": {"agentrouted": {"optOut": ["run/event"]}}}
        peer.send(notification("workspace/didChangeConfiguration", settings))
        await peer.call("runAgent", {"model": f"{upstream.url}/test", "prompt": "Hi"})
        assert not any(message.get("method") == "run/event" for message in peer.seen)
