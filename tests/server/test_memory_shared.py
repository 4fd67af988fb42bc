"""Memory that all clients of a machine share, through real daemons."""

import asyncio
import json
from pathlib import Path
from typing import Any

from harness.peer import Peer, connected, frame, initialized, request, serving, spawned

from agentrouted.testing.upstream import Reply, Upstream

HERE = {"workspace": "/here"}
CALL = {"id": "c", "name": "look", "arguments": {"where": None, "deep": [{"a": 1.5}]}}


async def texts(peer: Peer, query: str, **more: Any) -> list[str]:
    result = await peer.call("memory/recall", {"query": query, **more})
    return [hit["text"] for hit in result["hits"]]


async def test_what_one_client_remembers_another_finds(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, connected(socket, clientName="one") as one, connected(socket) as two:
        fact = {"text": "favorite color is blue", "key": "color", "scope": HERE}
        told = await one.call("memory/remember", fact)
        assert await texts(two, "What is my favourite colour?", scope=HERE) == ["favorite color is blue"]
        assert await texts(two, "What is my favourite colour?") == []
        entry = await two.call("memory/get", {"key": "color", "scope": HERE})
        assert entry["id"] == told["id"] and entry["source"] == {"client": "one"}
        assert (await two.call("memory/list", {"scope": HERE}))["entries"] == [entry]
        question = {"filter": {}, "scope": HERE, "dryRun": True}
        assert await two.call("memory/forget", question) == {"forgotten": 1}
        assert await two.call("memory/forget", question | {"dryRun": False}) == {"forgotten": 1}
        assert (await one.call("memory/get", {"key": "color", "scope": HERE}))["data"]["kind"] == "notFound"


async def test_who_said_it_is_the_client_by_whatever_it_has_called_itself(tmp_path: Path) -> None:
    async with spawned(tmp_path) as peer:
        await peer.call("initialize", {"capabilities": {}, "clientInfo": {"name": "Emacs"}})
        await peer.call("memory/remember", {"text": "likes tea", "key": "drink"})
        assert (await peer.call("memory/get", {"key": "drink"}))["source"] == {"client": "Emacs"}


async def test_messages_come_back_as_they_were_sent(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "Look!"}], "createdAt": "2024-05-01T08:00:00Z"},
        {"role": "assistant", "content": "", "toolCalls": [CALL], "createdAt": "2024-05-01T08:00:01Z"},
        {"role": "tool", "content": "a cat", "toolCallId": "c", "name": "look", "createdAt": "2024-05-01T08:00:02Z"},
    ]
    async with initialized(tmp_path) as peer:
        added = await peer.call("memory/addMessages", {"sessionId": "s", "messages": messages, "scope": HERE})
        assert len(added["ids"]) == 3
        assert (await peer.call("memory/getMessages", {"sessionId": "s"}))["messages"] == messages
        assert (await peer.call("memory/getMessages", {"sessionId": "s", "limit": 1}))["messages"] == messages[2:]
        [session] = (await peer.call("memory/sessions", {"scope": HERE}))["sessions"]
        assert (session["sessionId"], session["title"], session["messages"]) == ("s", "Look!", 3)
        elsewhere = {"sessionId": "s", "messages": messages, "scope": {"workspace": "/there"}}
        assert (await peer.call("memory/addMessages", elsewhere))["data"]["kind"] == "conflict"
        assert await peer.call("memory/clearMessages", {"sessionId": "s"}) == {"cleared": 3}
        assert (await peer.call("memory/sessions", {"scope": HERE})) == {"sessions": []}


async def test_two_daemons_share_one_file(tmp_path: Path) -> None:
    async with initialized(tmp_path) as one, initialized(tmp_path) as two:
        for number in range(20):
            for name, peer in (("one", one), ("two", two)):
                peer.send(request(number, "memory/remember", {"text": f"{name} says {number}"}))
        for number in range(20):
            for peer in (one, two):
                assert "result" in await peer.answer(number)
        found = [await texts(peer, "", limit=100) for peer in (one, two)]
    assert found[0] == found[1] and len(found[0]) == 40


async def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    async with initialized(tmp_path) as daemon:
        await daemon.call("memory/remember", {"text": "likes tea"})
        await daemon.call("memory/addMessages", {"sessionId": "s", "messages": [{"role": "user", "content": "tea?"}]})
        daemon.process.kill()
        await daemon.process.wait()
    async with initialized(tmp_path) as daemon:
        assert sorted(await texts(daemon, "tea")) == ["likes tea", "tea?"]


async def test_an_export_goes_to_another_home_and_is_the_same_there(tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    exports = [str(tmp_path / "one.jsonl"), str(tmp_path / "two.jsonl")]
    for home in homes:
        home.mkdir()
    async with initialized(homes[0]) as peer:
        await peer.call("memory/remember", {"text": "likes tea", "scope": HERE})
        await peer.call("memory/addMessages", {"sessionId": "s", "messages": [{"role": "user", "content": "茶"}]})
        told = await peer.call("memory/export", {"path": exports[0]})
        assert told == {"path": exports[0], "entries": 1, "messages": 1}
        text = (await peer.call("memory/export", {}))["text"]
    async with initialized(homes[1]) as peer:
        told = await peer.call("memory/import", {"path": exports[0]})
        assert told == {"entries": 1, "messages": 1, "problems": []}
        await peer.call("memory/export", {"path": exports[1]})
    assert Path(exports[0]).read_bytes() == Path(exports[1]).read_bytes() == text.encode()
    assert json.loads(text.splitlines()[0])["type"] == "agentrouted.memory"


async def test_an_import_shows_its_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    facts = [
        {"type": "entity", "name": f"n{number}", "entityType": "t", "observations": ["x"]} for number in range(6000)
    ]
    file = tmp_path / "graph.jsonl"
    file.write_text("\n".join(map(json.dumps, facts)))
    taking = {"path": str(file), "workDoneToken": "t"}
    async with initialized(tmp_path) as peer:
        told = await peer.call("memory/import", taking)
        shown = [message["params"]["value"] for message in peer.seen if message.get("method") == "$/progress"]
        assert told["entries"] == 6000
        assert shown[0] == {"kind": "begin", "title": "Importing memory", "cancellable": True}
        assert shown[1:] == [{"kind": "report", "message": "5,000 lines"}, {"kind": "end"}]


async def test_an_import_is_cancelled_where_its_progress_is_shown(tmp_path: Path) -> None:
    lines = ({"type": "entity", "name": f"n{number}", "observations": ["x"]} for number in range(100_000))
    file = tmp_path / "graph.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    async with initialized(tmp_path) as peer:
        peer.send(request(1, "memory/import", {"path": str(file), "format": "mcp-memory", "workDoneToken": "t"}))
        await peer.until("$/progress")
        peer.send(frame({"jsonrpc": "2.0", "method": "window/workDoneProgress/cancel", "params": {"token": "t"}}))
        assert (await peer.answer(1))["error"]["data"]["kind"] == "requestCancelled"


async def test_an_export_that_is_cancelled_leaves_no_half_file(tmp_path: Path) -> None:
    facts = [
        {"type": "entity", "name": f"n{number}", "entityType": "t", "observations": ["x" * 100]}
        for number in range(6000)
    ]
    file = tmp_path / "all.jsonl"
    file.write_text("an older one")
    async with initialized(tmp_path) as peer:
        await peer.call("memory/import", {"text": "\n".join(map(json.dumps, facts)), "format": "mcp-memory"})
        peer.send(request(1, "memory/export", {"path": str(file), "workDoneToken": "t"}))
        await peer.until("$/progress")
        peer.send(frame({"jsonrpc": "2.0", "method": "window/workDoneProgress/cancel", "params": {"token": "t"}}))
        assert (await peer.answer(1))["error"]["code"] == -32800
    assert list(tmp_path.glob("all.jsonl*")) == [file] and file.read_text() == "an older one"


async def test_the_config_says_how_long_it_is_kept(tmp_path: Path) -> None:
    times = {"createdAt": "2020-01-01T00:00:00Z", "updatedAt": "2020-01-01T00:00:00Z"}
    line = {"type": "fact", "id": "1", "text": "old tea", "kind": "note", "scope": {}, "source": {}, "version": 1}
    async with initialized(tmp_path) as peer:
        await peer.call("memory/import", {"text": json.dumps(line | times)})
        await peer.call("memory/remember", {"text": "new tea", "kind": "note"})
        assert len(await texts(peer, "tea")) == 2
    (tmp_path / ".agentroute/config.yaml").write_text("memory: {retention: [{kinds: [note], keep_days: 30}]}")
    async with initialized(tmp_path) as peer:
        while await texts(peer, "tea") != ["new tea"]:
            pass


async def test_a_megabyte_is_remembered_and_asked_for(tmp_path: Path) -> None:
    long = "word " * 200_000
    async with initialized(tmp_path) as peer:
        await peer.call("memory/remember", {"text": f"needle {long}"})
        [hit] = (await peer.call("memory/recall", {"query": f"needle {long}"}))["hits"]
        assert len(hit["text"]) > 1_000_000 and len(hit["snippet"]) < 300


async def test_without_a_folder_memory_works_as_long_as_the_daemon_lives(tmp_path: Path) -> None:
    blocked = tmp_path / ".agentroute"
    blocked.write_text("a file, where the folder would be")
    async with initialized(tmp_path) as peer:
        await peer.call("memory/remember", {"text": "likes tea"})
        assert await texts(peer, "tea") == ["likes tea"]


async def test_many_clients_at_once_lose_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket:

        async def write(name: int) -> None:
            async with connected(socket) as peer:
                for number in range(10):
                    await peer.call("memory/remember", {"text": f"client {name} says {number}", "scope": HERE})

        await asyncio.gather(*(write(name) for name in range(8)))
        async with connected(socket) as peer:
            assert len((await peer.call("memory/list", {"scope": HERE, "limit": 1000}))["entries"]) == 80


def asked(upstream: Upstream, **more: Any) -> dict[str, Any]:
    return {"model": f"{upstream.url}/test-model", "prompt": "Hi", "sessionId": "s", **more}


async def said(peer: Peer) -> list[Any]:
    messages = (await peer.call("memory/getMessages", {"sessionId": "s"}))["messages"]
    return [message["content"] for message in messages]


async def test_a_conversation_goes_on_from_one_client_to_another(tmp_path: Path) -> None:
    script = [Reply.text("One"), Reply.text("Two")]
    async with Upstream(script) as upstream, serving(tmp_path) as socket:
        async with connected(socket) as one:
            assert (await one.call("runAgent", asked(upstream, prompt="1")))["sessionId"] == "s"
        async with connected(socket) as two:
            await two.call("runAgent", asked(upstream, prompt="2"))
            assert await said(two) == ["1", "One", "2", "Two"]
            assert [run["sessionId"] for run in (await two.call("run/list", {"sessionId": "s"}))["runs"]] == ["s", "s"]


async def test_a_killed_run_goes_on_from_the_conversation_it_began_with(tmp_path: Path) -> None:
    script = [
        Reply.text("One"),
        Reply.tool_call("look", {}),
        Reply.text("", asyncio.Event()),
        Reply.text("Meanwhile"),
        Reply.text("A cat."),
    ]
    look = {"name": "look", "inputSchema": {"type": "object"}, "effect": "read"}
    memory = {"scope": {}, "recall": "auto"}
    async with Upstream(script) as upstream:
        async with initialized(tmp_path, tools=True) as first:
            await first.call("memory/remember", {"text": "cats are called Ada"})
            await first.call("runAgent", asked(upstream, prompt="1"))
            killed = asked(upstream, prompt="Where is the cat?", runId="r", tools=[look], memory=memory)
            first.send(request(1, "runAgent", killed | {"onDisconnect": "continue"}))
            call = await first.until("tool/call")
            first.send(frame({"jsonrpc": "2.0", "id": call["id"], "result": {"content": "on the mat"}}))
            while len(upstream.requests) < 3:
                await upstream.received()
            first.process.kill()
            await first.process.wait()
        async with initialized(tmp_path, tools=True) as second:
            await second.call("memory/remember", {"text": "the cat is gone"})
            await second.call("runAgent", asked(upstream, prompt="2"))
            await second.call("run/resume", {"runId": "r"})
            await second.until("run/event", runId="r", kind="agentEnd")
            while (await second.call("run/get", {"runId": "r"}))["status"] == "running":
                pass
            everything = await said(second)
    opening = [request.body["messages"][:4] for request in upstream.requests]
    assert opening[4] == opening[2] == opening[1] and "Ada" in opening[4][2]["content"]
    assert everything == ["1", "One", "2", "Meanwhile", "Where is the cat?", "", "on the mat", "A cat."]


async def test_runs_of_one_session_in_two_daemons_take_turns(tmp_path: Path) -> None:
    hold = asyncio.Event()
    async with (
        Upstream([Reply.text("One", hold), Reply.text("Other"), Reply.text("Two")]) as upstream,
        initialized(tmp_path) as first,
        initialized(tmp_path) as second,
    ):
        first.send(request(1, "runAgent", asked(upstream, prompt="1")))
        await upstream.received()
        second.send(request(1, "runAgent", asked(upstream, prompt="2")))
        assert (await second.call("runAgent", asked(upstream, sessionId="t")))["text"] == "Other"
        hold.set()
        assert (await second.answer(1))["result"]["text"] == "Two"
        assert await said(second) == ["1", "One", "2", "Two"]


async def test_a_daemon_that_is_killed_leaves_its_turn_to_the_next(tmp_path: Path) -> None:
    async with (
        Upstream([Reply.text("One", asyncio.Event()), Reply.text("Two")]) as upstream,
        initialized(tmp_path) as first,
        initialized(tmp_path) as second,
    ):
        first.send(request(1, "runAgent", asked(upstream, prompt="1")))
        await upstream.received()
        second.send(request(1, "runAgent", asked(upstream, prompt="2")))
        first.process.kill()
        assert (await second.answer(1))["result"]["text"] == "Two"


async def test_a_run_that_would_wait_for_itself_is_a_conflict(tmp_path: Path) -> None:
    look = {"name": "look", "inputSchema": {"type": "object"}}
    script = [Reply.tool_call("look", {}), Reply.text("Done")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", asked(upstream, tools=[look])))
        call = await peer.until("tool/call")
        assert (await peer.call("runAgent", asked(upstream)))["data"]["kind"] == "conflict"
        waiting = await peer.call("runAgent", asked(upstream, detach=True, runId="waits"))
        assert waiting == {"runId": "waits", "status": "running"}
        peer.send(frame({"jsonrpc": "2.0", "id": call["id"], "result": {"content": "ok"}}))
        assert (await peer.answer(1))["result"]["text"] == "Done"
        await peer.until("run/event", runId="waits", kind="agentEnd")


async def test_a_fork_takes_the_conversation_along_and_leaves_the_session(tmp_path: Path) -> None:
    script = [Reply.text("One"), Reply.text("Two"), Reply.text("Other")]
    async with Upstream(script) as upstream, initialized(tmp_path) as peer:
        await peer.call("runAgent", asked(upstream, prompt="1"))
        result = await peer.call("runAgent", asked(upstream, prompt="2", runId="r"))
        fork = {"runId": "r", "seq": result["lastSeq"], "prompt": "3"}
        run_id = (await peer.call("run/fork", fork))["runId"]
        await peer.until("run/event", runId=run_id, kind="agentEnd")
        assert await said(peer) == ["1", "One", "2", "Two"]
    assert [message["content"] for message in upstream.requests[2].body["messages"]] == ["1", "One", "2", "Two", "3"]
