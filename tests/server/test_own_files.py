"""The own file of a folder that clients work in, `.agentroute.yaml`."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness.peer import Peer, connected, initialized, joined, notification, request, serving, spawned

from agentrouted.testing.upstream import Reply, Upstream

BROKEN = "agents: {poet: {modell: x}}\n"


def write_own(folder: Path, text: str) -> Path:
    """As editors save: a new file that takes the old one's place."""
    folder.mkdir(exist_ok=True)
    (new := folder / "new").write_text(text)
    return new.rename(folder / ".agentroute.yaml")


def write_config(home: Path, text: str) -> Path:
    (home / ".agentroute").mkdir(exist_ok=True)
    (file := home / ".agentroute/config.yaml").write_text(text)
    return file


async def names(peer: Peer) -> list[str]:
    return [agent["name"] for agent in (await peer.call("agent/list"))["agents"]]


async def told(peer: Peer) -> dict[str, Any]:
    return dict((await peer.until("config/didReload"))["params"])


async def test_its_agents_are_there_for_who_works_in_the_folder_and_nobody_else(tmp_path: Path) -> None:
    file = write_own(tmp_path / "a", "agents:\n  poet: {model: fast, instructions: Rhyme.}\n")
    async with Upstream() as upstream:
        write_config(tmp_path, f"models: {{fast: '{upstream.url}/test'}}")
        async with (
            serving(tmp_path) as socket,
            connected(socket, workspace=str(tmp_path / "a")) as inside,
            connected(socket, workspace=str(tmp_path)) as outside,
        ):
            (poet,) = (await inside.call("agent/list"))["agents"]
            assert (poet["name"], poet["origin"]) == ("poet", f"{file}:2")
            assert (await inside.call("runAgent", {"agent": "poet", "prompt": "Hi"}))["stopReason"] == "end_turn"
            assert await names(outside) == []
            refused = await outside.call("runAgent", {"agent": "poet", "prompt": "Hi"})
            assert refused["data"]["kind"] == "notFound"
        assert upstream.requests[0].body["messages"][0] == {"role": "system", "content": "Rhyme."}


async def test_a_request_right_behind_initialize_knows_the_file(tmp_path: Path) -> None:
    write_own(tmp_path / "a", "agents: {poet: {model: ollama/x}}\n")
    root = {"capabilities": {}, "rootUri": (tmp_path / "a").as_uri()}
    async with spawned(tmp_path) as peer:
        peer.send(request(1, "initialize", root) + request(2, "agent/list", {}) + request(3, "daemon/status"))
        assert [agent["name"] for agent in (await peer.answer(2))["result"]["agents"]] == ["poet"]
        assert "result" in await peer.answer(3)


async def test_what_came_before_the_end_of_the_input_is_answered(tmp_path: Path) -> None:
    write_own(tmp_path / "a", "agents: {poet: {model: ollama/x}}\n")
    root = {"capabilities": {}, "rootUri": (tmp_path / "a").as_uri()}
    async with serving(tmp_path) as socket, joined(socket) as peer:
        peer.send(request(1, "initialize", root) + request(2, "agent/list", {}))
        peer.writer.write_eof()
        assert [agent["name"] for agent in (await peer.answer(2))["result"]["agents"]] == ["poet"]
        assert await peer.end() == b""


async def test_a_fault_waits_for_what_came_before_it(tmp_path: Path) -> None:
    root = {"capabilities": {}, "rootUri": tmp_path.as_uri()}
    async with serving(tmp_path) as socket, joined(socket) as peer:
        peer.send(request(1, "initialize", root) + request(2, "agent/list", {}) + b"Content-Length: " + b"1" * 9000)
        assert (await peer.answer(2))["result"] == {"agents": []}
        assert "error" in await peer.answer(None)
        assert await peer.end() == b""


async def test_its_instructions_go_to_all_runs_of_the_folder_after_their_own(tmp_path: Path) -> None:
    write_own(tmp_path / "a", "instructions: Use tabs.\nagents: {other: {instructions: Theirs.}}\n")
    async with Upstream() as upstream, initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
        model = f"{upstream.url}/test"
        await peer.call("runAgent", {"model": model, "prompt": "Hi", "instructions": "Mine."})
        await peer.call("runAgent", {"model": model, "prompt": "Hi", "agent": "other"})
        await peer.call("runAgent", {"model": model, "prompt": "Hi"})
        systems = [each.body["messages"][0]["content"] for each in upstream.requests]
    assert [text.partition("The file .agentroute.yaml")[0] for text in systems] == ["Mine.\n\n", "Theirs.\n\n", ""]
    assert all(text.endswith("Use tabs.") for text in systems)


async def test_its_limits_hold_for_what_a_run_asks_for(tmp_path: Path) -> None:
    write_own(tmp_path / "a", "limits: {max_turns: 1, boundary: local}\n")
    script = [Reply.tool_call("nothing", {})]
    async with Upstream(script) as upstream, initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
        asked = {"model": f"{upstream.url}/test", "prompt": "Hi", "maxTurns": 9}
        assert (await peer.call("runAgent", asked))["data"]["kind"] == "maxTurns"
        for method in ("runAgent", "resolveModel", "model/probe"):
            params = {"model": "gpt-4o"} | ({"prompt": "Hi"} if method == "runAgent" else {})
            assert (await peer.call(method, params))["data"]["kind"] == "guardrailBlocked", method


async def test_an_agent_that_it_calls_is_within_its_limits_too(tmp_path: Path) -> None:
    script = [Reply.tool_call("helper", {"prompt": "Help"}), Reply.tool_call("nothing", {}), Reply.text("Done.")]
    async with Upstream(script) as upstream:
        write_config(tmp_path, f"models: {{fast: '{upstream.url}/test'}}")
        agents = "agents: {lead: {model: fast, agents: [helper]}, helper: {model: fast, max_turns: 5}}"
        write_own(tmp_path / "a", f"{agents}\nlimits: {{max_turns: 2}}\ninstructions: Here.\n")
        async with initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
            result = await peer.call("runAgent", {"agent": "lead", "prompt": "Hi"})
            assert result["text"] == "Done."
        assert upstream.requests[1].body["messages"][0]["content"].endswith("Here.")


async def test_a_change_is_in_force_and_told_to_who_works_there(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as socket,
        connected(socket, workspace=str(tmp_path / "a")) as inside,
        connected(socket, workspace=str(tmp_path / "b")) as outside,
    ):
        assert await names(inside) == []
        file = write_own(tmp_path / "a", "agents: {poet: {model: x}}\n")
        assert (await told(inside))["changed"] == ["agents.poet"]
        assert await names(inside) == ["poet"]
        write_own(tmp_path / "a", "instructions: Be brief.\nagents: {poet: {model: x}}\n")
        assert (await told(inside))["changed"] == ["instructions"]
        file.unlink()
        assert (await told(inside))["changed"] == ["agents.poet", "instructions"]
        assert await names(inside) == [] == await names(outside)
        assert not any(message.get("method") == "config/didReload" for message in outside.seen)


async def test_a_broken_one_changes_nothing_and_is_shown_at_its_line(tmp_path: Path) -> None:
    write_own(tmp_path / "a", "agents: {poet: {model: ollama/x}}\n")
    async with initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
        await peer.call("agent/list")
        file = write_own(tmp_path / "a", f"# now\n{BROKEN}")
        reload = await told(peer)
        assert (reload["ok"], reload["changed"]) == (False, [])
        assert (reload["problems"][0]["file"], reload["problems"][0]["hint"]) == (str(file), "did you mean `model`?")
        shown = (await peer.until("textDocument/publishDiagnostics", uri=file.as_uri()))["params"]["diagnostics"]
        assert shown[0]["range"]["start"]["line"] == 1
        assert f"{file}:2 is not in force" in (await peer.until("window/logMessage"))["params"]["message"]
        assert await names(peer) == ["poet"]
        assert str(file) in (await peer.call("resolveModel", {"model": "ollama/x"}))["warnings"][0]
        assert (await peer.call("config/get"))["problems"][0]["path"] == "agents.poet.modell"
        write_own(tmp_path / "a", "{}")
        assert (await told(peer))["ok"]
        cleared = await peer.until("textDocument/publishDiagnostics", uri=file.as_uri())
        assert cleared["params"]["diagnostics"] == []


async def test_one_that_is_broken_from_the_start_is_told_and_keeps_local_work_going(tmp_path: Path) -> None:
    write_own(tmp_path / "a", "limits: {max_costs: 1}\n")
    async with Upstream() as upstream, initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
        assert (await told(peer))["problems"][0]["hint"] == "did you mean `max_cost`?"
        assert (await peer.call("runAgent", {"model": f"{upstream.url}/test", "prompt": "Hi"}))["text"]
        for method, more in (("runAgent", {"prompt": "Hi"}), ("resolveModel", {})):
            refused = await peer.call(method, {"model": "gpt-4o", **more})
            assert refused["data"]["kind"] == "configInvalid"
            assert ".agentroute.yaml:1 " in refused["message"]


async def test_a_run_in_flight_keeps_what_it_began_with(tmp_path: Path) -> None:
    gate = asyncio.Event()
    script = [Reply.tool_call("nothing", {}).held(gate), Reply.text("Done.")]
    async with Upstream(script) as upstream:
        write_config(tmp_path, f"models: {{fast: '{upstream.url}/test'}}")
        write_own(tmp_path / "a", "agents: {poet: {model: fast, instructions: Old.}}\n")
        async with initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
            peer.send(request(1, "runAgent", {"agent": "poet", "prompt": "Hi"}))
            await upstream.received()
            write_own(tmp_path / "a", "limits: {max_turns: 1, boundary: local}\n")
            await told(peer)
            gate.set()
            assert (await peer.answer(1))["result"]["text"] == "Done."
            assert (await peer.call("runAgent", {"agent": "poet", "prompt": "Hi"}))["data"]["kind"] == "notFound"


async def test_whoever_misses_an_agent_hears_that_the_file_is_broken(tmp_path: Path) -> None:
    file = write_own(tmp_path / "a", BROKEN)
    async with initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
        missed = await peer.call("runAgent", {"agent": "poet", "prompt": "Hi"})
        assert missed["data"]["hint"].startswith(str(file))


@pytest.mark.parametrize("way", ["workspaceFolders", "rootUri", "experimental", "settings"])
async def test_a_client_says_in_many_ways_where_it_works(tmp_path: Path, way: str) -> None:
    file = write_own(tmp_path / "a", "agents: {poet: {model: ollama/x}, theirs: {mcp_servers: [x]}}\n")
    folder = tmp_path / "a"
    said: dict[str, Any] = {
        "workspaceFolders": {"workspaceFolders": [{"uri": tmp_path.as_uri()}, {"uri": folder.as_uri()}]},
        "rootUri": {"rootUri": folder.as_uri()},
        "experimental": {"capabilities": {"experimental": {"agentrouted": {"workspace": str(folder)}}}},
        "settings": {},
    }
    async with spawned(tmp_path) as peer:
        await peer.call("initialize", {"capabilities": {}, **said[way]})
        peer.send(notification("initialized", {}))
        if way == "settings":
            settings = {"settings": {"agentrouted": {"workspace": str(folder)}}}
            peer.send(notification("workspace/didChangeConfiguration", settings))
        assert (await told(peer))["problems"][0]["file"] == str(file)


async def test_what_is_wrong_with_a_file_is_shown_no_more_when_the_client_has_left_its_folder(tmp_path: Path) -> None:
    file = write_own(tmp_path / "a", BROKEN)
    async with initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
        assert (await peer.until("textDocument/publishDiagnostics", uri=file.as_uri()))["params"]["diagnostics"]
        settings = {"settings": {"agentrouted": {"workspace": str(tmp_path)}}}
        peer.send(notification("workspace/didChangeConfiguration", settings))
        cleared = await peer.until("textDocument/publishDiagnostics", uri=file.as_uri())
        assert cleared["params"]["diagnostics"] == []


async def test_folders_are_opened_and_left_in_the_midst_of_a_session(tmp_path: Path) -> None:
    def changed(**event: Any) -> bytes:
        return notification("workspace/didChangeWorkspaceFolders", {"event": event})

    def folder(name: str) -> dict[str, str]:
        return {"uri": (tmp_path / name).as_uri(), "name": name}

    for name in ("a", "b"):
        write_own(tmp_path / name, f"agents: {{in-{name}: {{model: ollama/x}}}}\n")
    async with spawned(tmp_path) as peer:
        hello = await peer.call("initialize", {"capabilities": {}, "workspaceFolders": [folder("a")]})
        told = {"supported": True, "changeNotifications": True}
        assert hello["capabilities"]["workspace"]["workspaceFolders"] == told
        assert await names(peer) == ["in-a"]
        peer.send(changed(added=[folder("b")], removed=[]))
        assert await names(peer) == ["in-a", "in-b"]
        peer.send(changed(added=[folder("b")], removed=[folder("a"), folder("never")]))
        assert await names(peer) == ["in-b"]
        for nonsense in ({"added": 3, "removed": [None]}, {"added": [{"uri": 1}]}, {}):
            peer.send(changed(**nonsense))
        peer.send(notification("workspace/didChangeWorkspaceFolders", [1]))
        assert await names(peer) == ["in-b"]


async def test_a_name_that_is_no_folder_is_no_trouble(tmp_path: Path) -> None:
    for workspace in ("a name", "../..", "", "/nowhere/at/all", "/\0", "/dev/null", "/" + "x" * 5000):
        async with initialized(tmp_path, workspace=workspace) as peer:
            assert await names(peer) == []


async def test_an_agent_of_the_config_comes_first(tmp_path: Path) -> None:
    write_own(tmp_path / "a", "agents: {poet: {model: ollama/theirs}}\n")
    config = write_config(tmp_path, "agents: {poet: {model: ollama/mine}}\n")
    async with initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
        reload = await told(peer)
        assert (reload["ok"], [each["severity"] for each in reload["problems"]]) == (True, ["warning"])
        (poet,) = (await peer.call("agent/list"))["agents"]
        assert (poet["model"], poet["origin"]) == ("ollama/mine", f"{config}:1")


async def test_what_it_says_is_shown_with_where_it_stands(tmp_path: Path) -> None:
    file = write_own(tmp_path / "a", "agents:\n  poet: {model: ollama/x}\nlimits:\n  max_cost: 1\n")
    async with initialized(tmp_path, workspace=str(tmp_path / "a")) as peer:
        values = {each["path"]: each for each in (await peer.call("config/get"))["values"]}
        assert values["agents.poet.model"] == {"path": "agents.poet.model", "value": "ollama/x", "origin": f"{file}:2"}
        assert values["daemon.limits.max_cost"]["origin"] == f"{file}:4"
