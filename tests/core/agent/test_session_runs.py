"""Runs that go on with a conversation."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, lasting_runs, runs
from harness.memories import HERE, THERE, says

from agentrouted.core.agent.fork import forked
from agentrouted.core.agent.runs import Runs
from agentrouted.core.errors import AgentroutedError, Conflict, GuardrailBlocked, InvalidParams
from agentrouted.core.host import SilentHost
from agentrouted.core.memory.store import Store
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.events import Fallback
from agentrouted_protocol.memory import MemoryExportParams
from agentrouted_protocol.runs import RunForkParams

LOOK = {"name": "look", "inputSchema": {"type": "object"}}


def sent(request: Received) -> list[str]:
    return [str(message["content"]) for message in request.body["messages"]]


async def memory_of(all_runs: Runs) -> Store:
    return await all_runs._services.memory.get()


async def kept(all_runs: Runs, session_id: str = "s") -> list[Any]:
    return [message.content for message in await (await memory_of(all_runs)).get_messages(session_id)]


async def test_a_run_goes_on_with_what_was_said_in_its_session(tmp_path: Path) -> None:
    script = [Reply.tool_call("look", {}), Reply.text("A cat."), Reply.text("Black.")]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        first = asked(upstream, sessionId="s", prompt="What is it?", instructions="Be brief.", tools=[LOOK])
        result = await all_runs.start(first, WritingHost({"look": "meow"})).result()
        assert result.session_id == "s"
        second = asked(upstream, sessionId="s", prompt="Which colour?", instructions="Be kind.", messages=[])
        await all_runs.start(second, SilentHost()).result()
        assert sent(upstream.requests[2]) == ["Be kind.", "What is it?", "None", "meow", "A cat.", "Which colour?"]
        call, answer = upstream.requests[2].body["messages"][2:4]
        assert call["tool_calls"][0]["id"] == answer["tool_call_id"] == "call_1"
        assert await kept(all_runs) == ["What is it?", "", "meow", "A cat.", "Which colour?", "Black."]


ELSEWHERE = "providers: {{acme: {{api_base: {elsewhere}, api_key: k, local: false}}}}\nmodels: {{x: [{chain}]}}"


async def test_a_session_in_which_something_was_said_within_the_boundary_goes_on_here(tmp_path: Path) -> None:
    async with Upstream() as upstream, Upstream() as elsewhere:
        config = ELSEWHERE.format(elsewhere=elsewhere.url, chain=f"acme/m, '{upstream.url}/m'")
        async with runs(tmp_path, config) as all_runs:
            for more in ({"boundary": "local"}, {}):
                await all_runs.start(asked(upstream, sessionId="s", **more), SilentHost()).result()
            host = WritingHost()
            await all_runs.start(asked(upstream, sessionId="s", model="x"), host).result()
            # Who is asked in the place of the one that was named is told, with the reason.
            assert isinstance(told := host.events[1], Fallback) and "session `s`" in told.reason
            assert (told.route.base_url, told.crosses_boundary) == (upstream.url, False)
            with pytest.raises(GuardrailBlocked, match="session `s`"):
                await all_runs.start(asked(upstream, sessionId="s", model="acme/m"), SilentHost()).result()
            exported = await (await memory_of(all_runs)).export(MemoryExportParams())
    assert (len(upstream.requests), elsewhere.requests) == (3, [])
    assert (exported.text or "").count('"boundary":"local"') == exported.messages == 6


async def test_a_fork_of_such_a_session_stays_here_too(tmp_path: Path) -> None:
    config = "models: {x: [acme/m]}\nproviders: {acme: {api_base: 'http://127.0.0.1:9/v1', api_key: k, local: false}}"
    async with Upstream() as upstream, lasting_runs(tmp_path, config) as all_runs:
        for boundary in ("local", None):
            run = all_runs.start(asked(upstream, sessionId="s", boundary=boundary), SilentHost())
            await run.result()
        stored = await all_runs.stored(run.run_id)
        fork = RunForkParams(run_id=run.run_id, seq=stored.last_seq, prompt="And?", model="x")
        params = await forked(stored, fork, all_runs._services.memory)
        with pytest.raises(GuardrailBlocked):
            await all_runs.start(params, SilentHost()).result()


async def test_what_the_caller_brings_comes_after_the_session_and_is_kept_too(tmp_path: Path) -> None:
    brought = [{"role": "system", "content": "It is noon."}, {"role": "user", "content": "And now?"}]
    async with Upstream([Reply.text("Noon.")]) as upstream, runs(tmp_path) as all_runs:
        await (await memory_of(all_runs)).add_messages("s", [says("Hello")])
        params = asked(upstream, sessionId="s", messages=brought).model_copy(update={"prompt": None})
        await all_runs.start(params, SilentHost()).result()
        assert sent(upstream.requests[0]) == ["Hello", "It is noon.", "And now?"]
        assert await kept(all_runs) == ["Hello", "And now?", "Noon."]


async def test_the_second_run_of_a_session_waits_for_the_first(tmp_path: Path) -> None:
    hold = asyncio.Event()
    async with Upstream([Reply.text("One", hold), Reply.text("Two")]) as upstream, runs(tmp_path) as all_runs:
        first = all_runs.start(asked(upstream, sessionId="s", prompt="1"), SilentHost())
        await upstream.received()
        second = all_runs.start(asked(upstream, sessionId="s", prompt="2"), SilentHost())
        other = all_runs.start(asked(upstream, sessionId="t", prompt="3"), SilentHost())
        assert (await other.result()).text == "Two"
        hold.set()
        await asyncio.gather(first.result(), second.result())
        assert sent(upstream.requests[2]) == ["1", "One", "2"]
        assert await kept(all_runs) == ["1", "One", "2", "Two"]
        assert all_runs._sessions._turns == {}


async def test_a_run_that_is_cancelled_while_it_waits_has_said_nothing(tmp_path: Path) -> None:
    hold = asyncio.Event()
    async with Upstream([Reply.text("One", hold)]) as upstream, runs(tmp_path) as all_runs:
        first = all_runs.start(asked(upstream, sessionId="s", prompt="1"), SilentHost())
        await upstream.received()
        second = all_runs.start(asked(upstream, sessionId="s", prompt="2"), SilentHost())
        second.cancel()
        result = await second.result()
        hold.set()
        await first.result()
        assert (result.stop_reason, result.messages) == ("cancelled", [])
        assert await kept(all_runs) == ["1", "One"]


async def test_what_a_cancelled_run_has_said_is_kept_and_marked(tmp_path: Path) -> None:
    host = WritingHost()
    async with (
        Upstream([Reply.text("Half", asyncio.Event()), Reply.text("Go on")]) as upstream,
        runs(tmp_path) as all_runs,
    ):
        run = all_runs.start(asked(upstream, sessionId="s", prompt="1"), host)
        async with asyncio.timeout(20):
            while "textDelta" not in host.kinds:
                await asyncio.sleep(0)
        run.cancel()
        assert (await run.result()).text == "Half"
        assert await kept(all_runs) == ["1", "Half\n[interrupted]"]
        await all_runs.start(asked(upstream, sessionId="s", prompt="2"), SilentHost()).result()
        assert sent(upstream.requests[1]) == ["1", "Half\n[interrupted]", "2"]


async def test_a_run_that_is_cancelled_in_a_tool_leaves_a_valid_conversation(tmp_path: Path) -> None:
    class Cancelling(WritingHost):
        async def call_tool(self, params: Any) -> Any:
            all_runs._running[params.run_id].cancel()
            await asyncio.Event().wait()

    script = [Reply.tool_call("look", {}), Reply.text("Sorry")]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        await all_runs.start(asked(upstream, sessionId="s", tools=[LOOK]), Cancelling()).result()
        contents = await kept(all_runs)
        assert contents[2].startswith("Error: the run was interrupted") and contents[3] == "[interrupted]"
        await all_runs.start(asked(upstream, sessionId="s"), SilentHost()).result()
        assert [message["role"] for message in upstream.requests[1].body["messages"]] == [
            "user",
            "assistant",
            "tool",
            "assistant",
            "user",
        ]


async def test_a_run_that_fails_leaves_its_session_as_it_was(tmp_path: Path) -> None:
    async with Upstream([Reply.status(400, {}), Reply.text("Two")]) as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(AgentroutedError):
            await all_runs.start(asked(upstream, sessionId="s", prompt="1"), SilentHost()).result()
        assert await kept(all_runs) == []
        await all_runs.start(asked(upstream, sessionId="s", prompt="2"), SilentHost()).result()
        assert await kept(all_runs) == ["2", "Two"]


async def test_a_long_session_is_made_shorter_for_the_model_only(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Yes")]) as upstream, runs(tmp_path) as all_runs:
        store = await memory_of(all_runs)
        await store.add_messages("s", [says(str(n), role="assistant" if n % 2 else "user") for n in range(100)])
        history = {"strategy": "slidingWindow", "windowSize": 2}
        await all_runs.start(asked(upstream, sessionId="s", history=history), SilentHost()).result()
        assert sent(upstream.requests[0]) == ["98", "99", "Hi"] and len(await kept(all_runs)) == 102


async def test_a_session_belongs_to_the_scope_of_the_run_that_began_it(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        memory = {"scope": HERE.to_wire()}
        await all_runs.start(asked(upstream, sessionId="s", memory=memory), SilentHost()).result()
        await all_runs.start(asked(upstream, sessionId="s"), SilentHost()).result()
        with pytest.raises(Conflict):
            elsewhere = asked(upstream, sessionId="s", memory={"scope": THERE.to_wire()})
            await all_runs.start(elsewhere, SilentHost()).result()
        assert len(upstream.requests) == 2 and len(await kept(all_runs)) == 4


async def test_an_empty_session_id_is_refused(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(InvalidParams):
            all_runs.start(asked(upstream, sessionId=""), SilentHost())
