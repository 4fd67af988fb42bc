"""`hedge_after`: the next endpoint is asked as well, and who speaks first answers."""

import asyncio
from pathlib import Path

import pytest
from harness.hosts import WritingHost
from harness.in_process import runs
from harness.routes import World

from agentrouted.core.agent.hedging import HasTheWord, ask_hedged
from agentrouted.core.errors import AgentroutedError, ProviderError
from agentrouted.core.host import SilentHost
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.events import Event
from agentrouted_protocol.runs import RunAgentParams

HI = RunAgentParams(model="x", prompt="Hi")


def chain(*upstreams: Upstream, after: float = 0.02) -> str:
    endpoints = ", ".join(f"'{each.url}/m'" for each in upstreams)
    return f"models: {{x: {{endpoints: [{endpoints}], hedge_after: {after}}}}}"


async def test_who_speaks_first_answers_and_the_other_is_hung_up_on(tmp_path: Path) -> None:
    host = WritingHost()
    async with (
        Upstream([Reply.silence()]) as slow,
        Upstream([Reply.text("Quick")]) as quick,
        runs(tmp_path, chain(slow, quick)) as all_runs,
    ):
        result = await all_runs.start(HI, host).result()
        assert result.text == "Quick" and result.route and result.route.base_url == quick.url
        await slow.requests[0].closed_early.wait()
    assert result.usage.model_calls == 2 and host.kinds.count("fallback") == 1
    assert [event.text for event in host.events if event.kind == "textDelta"] == ["Quick"]


async def test_the_first_may_still_win(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with (
        Upstream([Reply.text(gate, "First")]) as first,
        Upstream([Reply.silence()]) as second,
        runs(tmp_path, chain(first, second)) as all_runs,
    ):
        run = all_runs.start(HI, SilentHost())
        await second.received()
        gate.set()
        assert (await run.result()).text == "First"
        await second.requests[0].closed_early.wait()


async def test_nobody_else_is_asked_once_there_was_a_word() -> None:
    first, second = World({}, "models: {x: [ollama/a, ollama/b]}").resolve("x").endpoints
    asked = []

    async def answer(has_the_word: HasTheWord, candidate: ResolvedEndpoint) -> str:
        asked.append(candidate)
        assert has_the_word()
        await asyncio.sleep(0.05)
        return "One two"

    assert await ask_hedged(iter((first, second)), answer, lambda *failed: True, 0.01) == "One two"
    assert asked == [first]


async def test_a_failure_before_the_time_goes_on_at_once(tmp_path: Path) -> None:
    async with (
        Upstream([Reply.status(503)]) as broken,
        Upstream() as well,
        runs(tmp_path, chain(broken, well, after=60)) as all_runs,
    ):
        assert (await all_runs.start(HI, SilentHost()).result()).text == "Hello world"


async def test_a_failure_counts_when_nobody_is_left(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with (
        Upstream([Reply.status(500).held(gate)]) as one,
        Upstream([Reply.status(501).held(gate)]) as other,
        runs(tmp_path, chain(one, other)) as all_runs,
    ):
        run = all_runs.start(HI, SilentHost())
        await other.received()
        gate.set()
        with pytest.raises(ProviderError):
            await run.result()


async def test_who_fails_with_the_word_is_not_replaced(tmp_path: Path) -> None:
    gate = asyncio.Event()
    cut = Reply.text("Some text", gate, "more").cut(after=200)
    async with (
        Upstream([cut]) as first,
        Upstream([Reply.silence()]) as second,
        runs(tmp_path, chain(first, second)) as all_runs,
    ):
        gate.set()
        with pytest.raises(AgentroutedError) as caught:
            await all_runs.start(HI, SilentHost()).result()
        assert caught.value.usage and caught.value.usage.estimated


async def test_cancelling_hangs_up_on_all_of_them(tmp_path: Path) -> None:
    async with (
        Upstream([Reply.silence()]) as one,
        Upstream([Reply.silence()]) as other,
        runs(tmp_path, chain(one, other)) as all_runs,
    ):
        run = all_runs.start(HI, SilentHost())
        asked = [await one.received(), await other.received()]
        run.cancel()
        result = await run.result()
        for each in asked:
            await each.closed_early.wait()
    assert result.stop_reason == "cancelled" and result.usage.model_calls == 2


async def test_all_who_are_asked_at_once_have_room_in_the_tokens_of_the_run(tmp_path: Path) -> None:
    params = HI.model_copy(update={"max_output_tokens": 100, "max_tokens": 70})
    async with (
        Upstream([Reply.silence()]) as slow,
        Upstream([Reply.text("Quick")]) as quick,
        runs(tmp_path, chain(slow, quick)) as all_runs,
    ):
        assert (await all_runs.start(params, SilentHost()).result()).text == "Quick"
    assert [each.requests[0].body["max_tokens"] for each in (slow, quick)] == [70, 30]


async def test_without_a_length_of_the_reply_the_next_one_has_room_as_well(tmp_path: Path) -> None:
    params = HI.model_copy(update={"max_output_tokens": 10_000})
    async with (
        Upstream([Reply.silence()]) as slow,
        Upstream([Reply.text("Quick")]) as quick,
        runs(tmp_path, chain(slow, quick)) as all_runs,
    ):
        assert (await all_runs.start(params, SilentHost()).result()).text == "Quick"
    assert sum(each.requests[0].body["max_tokens"] for each in (slow, quick)) == 10_000


@pytest.mark.parametrize("limit", [{"max_output_tokens": 70, "max_tokens": 70}, {"max_input_tokens": 1}])
async def test_whom_there_is_no_room_to_ask_at_once_is_asked_after_a_failure(
    tmp_path: Path, limit: dict[str, int]
) -> None:
    gate = asyncio.Event()

    class Host(WritingHost):
        def emit(self, event: Event) -> None:
            super().emit(event)
            if self.kinds[-1] == "fallback":
                asyncio.get_running_loop().call_soon(gate.set)

    host = Host()
    async with (
        Upstream([Reply.status(503).held(gate)]) as slow,
        Upstream([Reply.text("After all")]) as other,
        runs(tmp_path, chain(slow, other)) as all_runs,
    ):
        assert (await all_runs.start(HI.model_copy(update=limit), host).result()).text == "After all"
    assert host.kinds.count("fallback") == 2
