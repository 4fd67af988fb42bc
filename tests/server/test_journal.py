"""Runs that outlive their client, and their daemon's `kill -9`."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from harness.peer import TIME_LIMIT, Peer, Spawned, connected, frame, initialized, request, serving

from agentrouted.testing.upstream import Received, Reply, Upstream

TOOLS = [
    {"name": "look", "inputSchema": {"type": "object"}, "effect": "read"},
    {"name": "pay", "inputSchema": {"type": "object"}, "effect": "once"},
]


class Scenario:
    """A model that looks, pays, and says so; what it does next is seen from the conversation alone."""

    def __init__(self, killed_at: str = "never") -> None:
        self.killed_at = killed_at
        self.whole: Counter[str] = Counter()
        """How often each of its replies was sent whole."""

        self.held = asyncio.Event()
        """A reply is held back: it is time to kill."""

        self.upstream = Upstream([self._reply])

    def params(self, **more: Any) -> dict[str, Any]:
        model = f"{self.upstream.url}/test-model"
        return {"model": model, "prompt": "Pay.", "tools": TOOLS, "runId": "r", "onDisconnect": "continue", **more}

    def _reply(self, request: Received) -> Reply:
        step = ["look", "pay", "say"][sum(message["role"] == "tool" for message in request.body["messages"])]
        if step in self.killed_at.split() and not self.killed_at.startswith("in ") and not self.held.is_set():
            self.held.set()
            return Reply.silence() if self.killed_at.startswith("before") else Reply.text("Pa", asyncio.Event())
        self.whole[step] += 1
        return Reply.text("Paid.") if step == "say" else Reply.tool_call(step, {}, f"call_{step}")


class Client:
    """Answers the daemon's questions, and writes down what it was asked to do."""

    def __init__(self, killed_at: str = "never") -> None:
        self.killed_at = killed_at
        self.calls: list[str] = []
        self.questions: list[dict[str, Any]] = []

    async def follow(self, peer: Peer, until: str = "agentEnd") -> dict[str, Any] | None:
        """Until an event of that kind, or the question at which the daemon is to be killed: then None."""
        while True:
            message = await peer.read()
            if message.get("params", {}).get("kind") == until:
                return message
            if "method" in message and "id" in message and not self._answer(peer, message):
                return None

    def _answer(self, peer: Peer, message: dict[str, Any]) -> bool:
        params = message["params"]
        if message["method"] == "tool/approve":
            self.questions.append(params)
            result: dict[str, Any] = {"decision": "allow_once"}
        else:
            self.calls.append(params["name"])
            if self.killed_at == f"in {params['name']}":
                return False
            result = {"content": f"{params['name']} done"}
        peer.send(frame({"jsonrpc": "2.0", "id": message["id"], "result": result}))
        return True


async def kill(daemon: Spawned) -> None:
    daemon.process.kill()
    await daemon.process.wait()


MOMENTS = ["before look", "in look", "before pay", "in pay", "before say", "amid say"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("how", ["run/resume", "runAgent"])
async def test_a_killed_run_pays_for_nothing_twice(moment: str, how: str, tmp_path: Path) -> None:
    scenario = Scenario(moment)
    async with scenario.upstream:
        before = Client(moment)
        async with initialized(tmp_path, tools=True, approvals=True) as first:
            first.send(request(1, "runAgent", scenario.params()))
            following = asyncio.create_task(before.follow(first))
            held = asyncio.create_task(scenario.held.wait())
            await asyncio.wait({following, held}, timeout=TIME_LIMIT, return_when=asyncio.FIRST_COMPLETED)
            held.cancel()
            following.cancel()
            await kill(first)
        after = Client()
        async with initialized(tmp_path, tools=True, approvals=True) as second:
            assert (await second.call("run/get", {"runId": "r"}))["status"] == "interrupted"
            second.send(request(1, how, {"runId": "r"} if how == "run/resume" else scenario.params()))
            assert await after.follow(second) is not None
            run = await second.call("run/get", {"runId": "r"})
            while run["status"] == "running":
                run = await second.call("run/get", {"runId": "r"})
    assert [scenario.whole[step] for step in ("look", "pay", "say")] == [1, 1, 1]
    assert run["status"] == "completed" and run["result"]["text"] == "Paid."
    assert [message["role"] for message in run["messages"]] == ["user", *["assistant", "tool"] * 2, "assistant"]
    assert [message["content"] for message in run["messages"][2:5:2]] == ["look done", "pay done"]
    assert run["usage"]["modelCalls"] == 3 and run["usage"]["toolCalls"] == 2
    assert len(after.questions) == (moment == "in pay")


@pytest.mark.parametrize(
    ("event", "messages", "status"), [("modelCallEnd", 2, "interrupted"), ("agentEnd", 4, "completed")]
)
async def test_what_a_client_was_told_is_not_undone_by_a_crash(
    event: str, messages: int, status: str, tmp_path: Path
) -> None:
    scenario, client = Scenario(), Client()
    scenario.upstream = Upstream([Reply.tool_call("look", {}), Reply.text("Seen.")])
    async with scenario.upstream:
        async with initialized(tmp_path, tools=True) as first:
            first.send(request(1, "runAgent", scenario.params()))
            await client.follow(first, until=event)
            await kill(first)
        async with initialized(tmp_path) as second:
            run = await second.call("run/get", {"runId": "r"})
    assert (len(run["messages"]), run["status"]) == (messages, status)


async def test_those_who_resume_a_run_at_once_follow_the_same_one(tmp_path: Path) -> None:
    async with Upstream([Reply.silence(), Reply.text("Hel", asyncio.Event())]) as upstream:
        async with initialized(tmp_path) as first:
            params = {"model": f"{upstream.url}/test-model", "prompt": "Hi", "runId": "r", "onDisconnect": "continue"}
            first.send(request(1, "runAgent", params))
            await upstream.received()
            await kill(first)
        async with initialized(tmp_path) as second:
            await second.call("run/list")
            second.send(request(1, "run/resume", {"runId": "r"}) + request(2, "run/resume", {"runId": "r"}))
            # In any order: each reads the journal by itself.
            answers: dict[Any, str] = {}
            while answers.keys() != {1, 2} or not any("textDelta" in str(message) for message in second.seen):
                if (message := await second.read()).get("id") in (1, 2):
                    answers[message["id"]] = message["result"]["status"]
            assert answers == {1: "running", 2: "running"}
            assert (await second.call("run/cancel", {"runId": "r"}))["cancelled"]


@pytest.mark.parametrize("approvals", [True, False])
async def test_an_interrupted_once_tool_is_never_repeated_unasked(approvals: bool, tmp_path: Path) -> None:
    class Refusing(Client):
        def _answer(self, peer: Peer, message: dict[str, Any]) -> bool:
            if message["method"] == "tool/approve":
                self.questions.append(message["params"])
                peer.send(frame({"jsonrpc": "2.0", "id": message["id"], "result": {"decision": "reject_once"}}))
                return True
            return super()._answer(peer, message)

    scenario = Scenario("in pay")
    async with scenario.upstream:
        async with initialized(tmp_path, tools=True) as first:
            first.send(request(1, "runAgent", scenario.params()))
            assert await Client("in pay").follow(first) is None
            await kill(first)
        after = Refusing("never")
        async with initialized(tmp_path, tools=True, approvals=approvals) as second:
            await second.call("run/resume", {"runId": "r"})
            await after.follow(second)
            run = await second.call("run/get", {"runId": "r"})
    assert "pay" not in after.calls and len(after.questions) == approvals
    assert "unknown whether it was done" in run["messages"][4]["content"]


async def test_a_run_that_has_ended_is_the_same_run_after_a_crash(tmp_path: Path) -> None:
    scenario = Scenario()
    async with scenario.upstream:
        async with initialized(tmp_path, tools=True) as first:
            first.send(request(1, "runAgent", scenario.params()))
            await Client().follow(first)
            result = (await first.answer(1))["result"]
            await kill(first)
        async with initialized(tmp_path, tools=True) as second:
            assert await second.call("runAgent", scenario.params()) == result
            changed = await second.call("runAgent", scenario.params(prompt="Pay twice."))
            assert changed["data"]["kind"] == "conflict"
    assert scenario.whole["say"] == 1


async def test_a_failed_run_is_remembered_with_its_error(tmp_path: Path) -> None:
    async with Upstream([Reply.status(401)]) as upstream:
        params = {"model": f"{upstream.url}/m", "prompt": "Hi", "runId": "r"}
        async with initialized(tmp_path) as first:
            error = await first.call("runAgent", params)
            await kill(first)
        async with initialized(tmp_path) as second:
            assert await second.call("runAgent", params) == error
            run = await second.call("run/get", {"runId": "r"})
            assert run["status"] == "failed" and run["error"]["data"]["kind"] == "providerAuth"
    assert len(upstream.requests) == 1


async def test_keys_are_not_written_down(tmp_path: Path) -> None:
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        await peer.call("runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", "apiKey": "sk-very-secret-key"})
    kept = b"".join(path.read_bytes() for path in (tmp_path / ".agentroute").rglob("*") if path.is_file())
    assert b"Hello world" in kept or (kept and b"sk-very-secret-key" not in kept)


async def test_a_follower_misses_nothing_and_hears_nothing_twice(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text("One", gate, " two")]) as upstream, serving(tmp_path) as socket:
        async with connected(socket) as first:
            started = await first.call("runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", "detach": True})
            await first.until("run/event", kind="textDelta")
        async with connected(socket) as second:
            attached = await second.call("run/attach", {"runId": started["runId"], "afterSeq": 1})
            assert (attached["status"], attached["gap"]) == ("running", False)
            gate.set()
            await second.until("run/event", kind="agentEnd")
            heard = [each["params"] for each in second.seen if each.get("method") == "run/event"]
            again = await second.call("run/attach", {"runId": started["runId"], "afterSeq": 0})
        assert [event["seq"] for event in heard] == list(range(2, heard[-1]["seq"] + 1))
        assert "".join(event["text"] for event in heard if event["kind"] == "textDelta") == "One two"
        assert again["status"] == "completed" and again["result"]["text"] == "One two"
        assert again["lastSeq"] == heard[-1]["seq"]


@pytest.mark.parametrize("method", ["run/get", "run/attach"])
async def test_a_run_is_found_as_soon_as_it_is_answered(method: str, tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, initialized(tmp_path) as peer:
        started = await peer.call("runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", "detach": True})
        assert (await peer.call(method, {"runId": started["runId"]}))["status"] == "running"


async def test_a_run_of_another_daemon_is_left_to_it_while_it_goes_on(tmp_path: Path) -> None:
    run = {"runId": "r"}
    async with Upstream([Reply.silence()]) as upstream, initialized(tmp_path) as one, initialized(tmp_path) as other:
        params = {**run, "model": f"{upstream.url}/m", "prompt": "Hi", "detach": True}
        await one.call("runAgent", params)
        for daemon in (one, other):
            assert (await daemon.call("run/get", run))["status"] == "running"
        for method, asked in {
            "run/attach": run,
            "run/cancel": run,
            "run/resume": run,
            "run/steer": {**run, "text": "Hurry."},
            "runAgent": {**params, "detach": False},
        }.items():
            error = await other.call(method, asked)
            assert error["data"]["kind"] == "conflict", method
            assert error["message"].endswith("is under way in another daemon"), method


@pytest.mark.parametrize("method", ["run/get", "run/attach", "run/cancel", "run/resume", "run/steer", "run/fork"])
async def test_a_run_that_nobody_knows_is_not_found(method: str, tmp_path: Path) -> None:
    more: dict[str, dict[str, Any]] = {"run/steer": {"text": "Hurry."}, "run/fork": {"seq": 1}}
    async with initialized(tmp_path) as peer:
        assert (await peer.call(method, {"runId": "x", **more.get(method, {})}))["data"]["kind"] == "notFound"


async def test_who_has_seen_more_than_is_kept_is_told_of_the_gap(tmp_path: Path) -> None:
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        result = await peer.call("runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", "runId": "r"})
        assert not (await peer.call("run/attach", {"runId": "r", "afterSeq": result["lastSeq"]}))["gap"]
        assert (await peer.call("run/attach", {"runId": "r", "afterSeq": result["lastSeq"] + 5}))["gap"]


async def test_an_open_question_goes_to_who_comes_next(tmp_path: Path) -> None:
    script = [Reply.tool_call("pay", {}), Reply.text("Paid.")]
    tools = [{**TOOLS[1], "needsApproval": True}]
    async with Upstream(script) as upstream, serving(tmp_path) as socket:
        params = {"model": f"{upstream.url}/m", "prompt": "Hi", "runId": "r", "tools": tools, "detach": True}
        async with connected(socket, tools=True, approvals=True) as first:
            await first.call("runAgent", params)
            await first.until("tool/approve")
        async with connected(socket, tools=True, approvals=True) as second:
            second.send(request(1, "run/attach", {"runId": "r"}))
            client = Client()
            assert await client.follow(second) is not None
            assert client.calls == ["pay"] and len(client.questions) == 1
            (attached,) = [
                message["result"] for message in second.seen if message.get("id") == 1 and "result" in message
            ]
            assert attached["status"] == "waiting" and not attached["gap"]
            run = await second.call("run/get", {"runId": "r"})
    assert run["result"]["text"] == "Paid."


async def test_runs_are_listed_newest_first_and_by_status(tmp_path: Path) -> None:
    script = [Reply.text("a"), Reply.status(401), Reply.text("c")]
    async with Upstream(script) as upstream, initialized(tmp_path) as peer:
        for number in range(3):
            await peer.call("runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", "runId": f"r{number}"})
        page = await peer.call("run/list", {"limit": 2})
        rest = await peer.call("run/list", {"limit": 2, "cursor": page["nextCursor"]})
        failed = await peer.call("run/list", {"status": "failed"})
    assert [run["runId"] for run in page["runs"] + rest["runs"]] == ["r2", "r1", "r0"]
    assert [run["runId"] for run in failed["runs"]] == ["r1"] and "nextCursor" not in rest


async def test_a_fork_goes_on_from_an_earlier_state(tmp_path: Path) -> None:
    script = [Reply.text("First."), Reply.text("Other.")]
    async with Upstream(script) as upstream, initialized(tmp_path) as peer:
        result = await peer.call("runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", "runId": "r"})
        fork = {"runId": "r", "seq": result["lastSeq"], "prompt": "And else?", "instructions": "Be brief."}
        forked = await peer.call("run/fork", fork)
        await peer.until("run/event", runId=forked["runId"], kind="agentEnd")
        run = await peer.call("run/get", {"runId": forked["runId"]})
        assert run["parentRunId"] == "r"
        told = [message["content"] for message in upstream.requests[1].body["messages"]]
    assert told == ["Be brief.", "Hi", "First.", "And else?"]


async def test_a_run_is_steered_before_its_next_turn(tmp_path: Path) -> None:
    script = [Reply.tool_call("look", {}), Reply.text("Done.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        params = {"model": f"{upstream.url}/m", "prompt": "Hi", "runId": "r", "tools": TOOLS[:1]}
        peer.send(request(1, "runAgent", params))
        call = await peer.until("tool/call")
        assert await peer.call("run/steer", {"runId": "r", "text": "Hurry."}) == {}
        peer.send(frame({"jsonrpc": "2.0", "id": call["id"], "result": {"content": "seen"}}))
        await peer.answer(1)
        assert upstream.requests[1].body["messages"][-1] == {"role": "user", "content": "Hurry."}
        assert (await peer.call("run/steer", {"runId": "r", "text": "Late."}))["data"]["kind"] == "conflict"


async def test_what_is_said_while_the_last_reply_comes_is_answered(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text("One").held(gate), Reply.text("Two")]) as upstream, initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", "runId": "r"}))
        await upstream.received()
        await peer.call("run/steer", {"runId": "r", "text": "And more?"})
        gate.set()
        result = (await peer.answer(1))["result"]
    assert [message["content"] for message in result["messages"]] == ["Hi", "One", "And more?", "Two"]


async def test_without_detach_a_run_ends_with_its_client(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, serving(tmp_path) as socket:
        async with connected(socket) as first:
            first.send(request(1, "runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", "runId": "r"}))
            received = await upstream.received()
        async with asyncio.timeout(TIME_LIMIT):
            await received.closed_early.wait()
        async with connected(socket) as second:
            run = await second.call("run/get", {"runId": "r"})
            while run["status"] == "running":
                run = await second.call("run/get", {"runId": "r"})
            assert run["status"] == "cancelled" and run["result"]["interrupted"]


async def test_a_stopped_daemon_leaves_its_detached_runs_to_the_next(tmp_path: Path) -> None:
    async with Upstream([Reply.silence(), Reply.text("Done.")]) as upstream:
        async with initialized(tmp_path) as first:
            await first.call("runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi", "runId": "r", "detach": True})
            await upstream.received()
            first.process.terminate()
            await first.exit_code()
        async with initialized(tmp_path) as second:
            await second.call("run/resume", {"runId": "r"})
            await second.until("run/event", kind="agentEnd")
            assert (await second.call("run/get", {"runId": "r"}))["result"]["text"] == "Done."
