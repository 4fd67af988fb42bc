"""Where what is left of a budget is set aside for others, a call waits for its turn."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs

from agentrouted.core.agent.live import Run
from agentrouted.core.agent.runs import Runs
from agentrouted.core.errors import AgentroutedError, BudgetExceeded
from agentrouted.core.usage.call import Call
from agentrouted.core.usage.ledger import Ledger
from agentrouted.core.usage.limits import Limit, Period
from agentrouted.core.usage.waiting import Lines, Waiting
from agentrouted.testing.replies import Reply
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult

ONE_CALL = "calls: 1"


def config(upstream: Upstream, budget: str) -> str:
    """10 tokens in and 5 out are 20 cents; at most, as it is set aside, a call takes less than 60."""
    return f"""
providers:
  paid:
    api_base: "{upstream.url}"
    local: false
    api_key: k
    models: [{{ id: m, price: {{ input: 10000, output: 20000 }} }}]
budgets:
  all: {{ {budget}, per: day }}
"""


def started(all_runs: Runs, prompt: str = "Hi", host: WritingHost | None = None) -> Run:
    return all_runs.start(asked(Upstream(), model="paid/m", maxTokens=5, prompt=prompt), host or WritingHost())


def a_limit(name: str, per: Period = "day") -> Limit:
    return Limit(name, "usd", 1.0, per)


def a_call(tree: str) -> Call:
    return Call(tree, tree, "turn", "paid", "m", "paid/m", "remote")


async def outcomes(*each: Run) -> list[str]:
    told = await asyncio.gather(*(run.result() for run in each), return_exceptions=True)
    return [type(one).__name__ if isinstance(one, AgentroutedError) else "" for one in told]


async def ledger_of(all_runs: Runs) -> Ledger:
    ledger = await all_runs._services.ledger.get()
    assert ledger is not None
    return ledger


async def somebody_waits(all_runs: Runs) -> None:
    ledger = await ledger_of(all_runs)
    while not any(turn.locked() for turn in ledger.lines.turns.values()):
        await asyncio.sleep(0)


async def test_a_reply_is_not_cut_short_where_there_will_be_room(tmp_path: Path) -> None:
    gate = asyncio.Event()
    script = [Reply.text(gate, "Hi"), Reply.text("Hi")]
    async with Upstream(script) as upstream, runs(tmp_path, config(upstream, "tokens: 150")) as all_runs:
        params = asked(upstream, model="paid/m", maxTokens=50)
        first = all_runs.start(params, WritingHost())
        await upstream.received()
        second = all_runs.start(params, WritingHost())
        await somebody_waits(all_runs)
        gate.set()
        assert await outcomes(first, second) == ["", ""]
    assert [request.body["max_tokens"] for request in upstream.requests] == [50, 50]


async def test_words_that_a_provider_puts_around_prompts_are_set_aside_as_well(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 300, "completion_tokens": 40}
    script = [Reply.text("Hi", usage=usage) for _ in range(30)]
    async with Upstream(script) as upstream, runs(tmp_path, config(upstream, "tokens: 2000")) as all_runs:
        params = asked(upstream, model="paid/m", maxTokens=400)
        told = await outcomes(*(all_runs.start(params, WritingHost()) for _ in range(30)))
        assert len(upstream.requests) == told.count("") <= 2000 // 340 and "BudgetExceeded" in told


async def test_room_is_set_aside_for_images_and_for_the_schema_of_an_answer(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 1500, "completion_tokens": 5}
    image = {"type": "image", "url": "https://example.com/cat.png"}
    schema = {"type": "object", "description": "It is a cat. " * 400}
    for more in ({"messages": [{"role": "user", "content": [image]}]}, {"output": schema, "outputMode": "native"}):
        home = tmp_path / next(iter(more))
        home.mkdir()
        script = [Reply.text("{}", usage=usage) for _ in range(30)]
        async with Upstream(script) as upstream, runs(home, config(upstream, "tokens: 10000")) as all_runs:
            params = asked(upstream, model="paid/m", maxTokens=5, **more)
            told = await outcomes(*(all_runs.start(params, WritingHost()) for _ in range(30)))
            assert told.count("") == len(upstream.requests) <= 10000 // 1505


@pytest.mark.parametrize("budget", ["usd: 4.1", "tokens: 240"])
async def test_a_reply_that_is_longer_than_it_may_be_is_set_aside_for_the_next_as_well(
    tmp_path: Path, budget: str
) -> None:
    script = [Reply.text("Hi", usage={"prompt_tokens": 10, "completion_tokens": 40})]
    async with Upstream(script) as upstream, runs(tmp_path, config(upstream, budget)) as all_runs:
        told = [(await outcomes(started(all_runs)))[0] for _ in range(6)]
    assert told == [*[""] * 4, *["BudgetExceeded"] * 2]


@pytest.mark.parametrize("budget", ["usd: 0.8", "tokens: 70"])
async def test_a_call_waits_until_there_is_room(tmp_path: Path, budget: str) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text(gate, "Hi")]) as upstream, runs(tmp_path, config(upstream, budget)) as all_runs:
        first = started(all_runs)
        await upstream.received()
        second = started(all_runs)
        await somebody_waits(all_runs)
        assert len(upstream.requests) == 1
        gate.set()
        assert await outcomes(first, second) == ["", ""]


async def test_as_many_runs_at_once_succeed_as_one_after_the_other(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        homes, text = [tmp_path / "one", tmp_path / "other"], config(upstream, "usd: 2.1")
        for home in homes:
            home.mkdir()
        async with runs(homes[0], text) as all_runs:
            in_turn = [(await outcomes(started(all_runs)))[0] for _ in range(12)]
        async with runs(homes[1], text) as all_runs:
            at_once = await outcomes(*(started(all_runs) for _ in range(100)))
    assert at_once.count("") == in_turn.count("") > 5
    assert set(at_once) == {"", "BudgetExceeded"}


async def test_each_waits_for_its_turn_in_the_line_of_its_budget() -> None:
    lines, served = Lines(), list[int]()
    first_may_leave = asyncio.Event()

    async def stand(number: int, budget: str = "all") -> None:
        with Waiting() as waiting:
            await waiting.wait(lines.turn(a_limit(budget), a_call("a run")), lines.ended)
            served.append(number)
            if number == 0:
                await first_may_leave.wait()

    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(stand(number))
        await tasks.create_task(stand(5, "another"))
        assert served == [0, 5]
        first_may_leave.set()
    assert served == [0, 5, 1, 2, 3, 4]
    assert not lines.turns


def test_a_budget_for_each_run_has_a_line_for_each() -> None:
    lines = Lines()
    of_run, of_day = a_limit("each", "run"), a_limit("all", "day")
    one, other = a_call("one"), a_call("other")
    assert lines.turn(of_run, one) is not (turn := lines.turn(of_run, other)) and turn is lines.turn(of_run, other)
    assert (turn := lines.turn(of_day, one)) is lines.turn(of_day, other)


async def test_a_call_that_never_fits_is_refused_at_once(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text(gate, "Hi")]) as upstream, runs(tmp_path, config(upstream, "usd: 0.8")) as all_runs:
        first = started(all_runs)
        await upstream.received()
        assert await outcomes(started(all_runs, "long " * 100)) == ["BudgetExceeded"]
        gate.set()
        assert await outcomes(first) == [""]


async def test_a_call_that_failed_makes_room_for_the_one_that_waits(tmp_path: Path) -> None:
    gate = asyncio.Event()
    script = [Reply.status(401).held(gate), Reply.text("Hi")]
    async with Upstream(script) as upstream, runs(tmp_path, config(upstream, ONE_CALL)) as all_runs:
        first = started(all_runs)
        await upstream.received()
        second = started(all_runs)
        await somebody_waits(all_runs)
        gate.set()
        assert await outcomes(first, second) == ["ProviderAuth", ""]


async def test_when_the_last_call_is_taken_those_that_wait_are_refused(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text(gate, "Hi")]) as upstream, runs(tmp_path, config(upstream, ONE_CALL)) as all_runs:
        first = started(all_runs)
        await upstream.received()
        others = [started(all_runs) for _ in range(3)]
        await somebody_waits(all_runs)
        gate.set()
        assert await outcomes(first, *others) == ["", *["BudgetExceeded"] * 3]


async def test_a_run_that_is_cancelled_leaves_the_line(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text(gate, "Hi")]) as upstream, runs(tmp_path, config(upstream, "usd: 0.8")) as all_runs:
        first = started(all_runs)
        await upstream.received()
        given_up, second = started(all_runs), started(all_runs)
        await somebody_waits(all_runs)
        given_up.cancel()
        assert (await given_up.result()).stop_reason == "cancelled"
        gate.set()
        assert await outcomes(first, second) == ["", ""]
    assert len(upstream.requests) == 2


async def test_a_call_waits_for_one_of_another_daemon(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream([Reply.text(gate, "Hi")]))
        one, other = [await stack.enter_async_context(runs(tmp_path, config(upstream, "usd: 0.8"))) for _ in range(2)]
        first = started(one)
        await upstream.received()
        second = started(other)
        await somebody_waits(other)
        gate.set()
        assert await outcomes(first, second) == ["", ""]


async def test_who_has_waited_for_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrouted.core.usage.waiting.PATIENCE", 0.05)
    gate = asyncio.Event()
    async with Upstream([Reply.text(gate, "Hi")]) as upstream, runs(tmp_path, config(upstream, "usd: 0.8")) as all_runs:
        first = started(all_runs)
        await upstream.received()
        waiting = [started(all_runs) for _ in range(3)]
        for run in waiting:
            with pytest.raises(BudgetExceeded) as raised:
                await run.result()
            assert "try again" in (raised.value.hint or "")
        gate.set()
        assert await outcomes(first) == [""]


async def test_a_call_that_is_cancelled_as_another_ends_goes_no_further() -> None:
    lines, has_its_turn = Lines(), asyncio.Event()
    turn = lines.turn(a_limit("all"), a_call("a run"))

    async def stand() -> None:
        with Waiting() as waiting:
            await waiting.wait(turn, lines.ended)
            has_its_turn.set()
            await waiting.wait(turn, lines.ended)

    standing = asyncio.create_task(stand())
    await has_its_turn.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    lines.call_has_ended()
    standing.cancel()
    await asyncio.wait([standing])
    assert standing.cancelled() and not turn.locked()


async def test_who_has_waited_for_long_looks_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, is_written = asyncio.Event(), asyncio.Event()
    async with Upstream([Reply.text(gate, "Hi")]) as upstream, runs(tmp_path, config(upstream, "usd: 0.8")) as all_runs:
        first = started(all_runs)
        await upstream.received()

        async def wait_until_there_is_room(self: Waiting, turn: asyncio.Lock, ended: asyncio.Event) -> None:
            gate.set()
            await first.result()
            is_written.set()
            self.is_patient = False

        monkeypatch.setattr(Waiting, "wait", wait_until_there_is_room)
        assert await outcomes(started(all_runs)) == [""] and is_written.is_set()


async def test_a_run_that_waits_tells_once_for_what(tmp_path: Path) -> None:
    gate, host = asyncio.Event(), WritingHost()
    async with Upstream([Reply.text(gate, "Hi")]) as upstream, runs(tmp_path, config(upstream, "usd: 0.8")) as all_runs:
        first = started(all_runs)
        await upstream.received()
        second = started(all_runs, host=host)
        await somebody_waits(all_runs)
        (await ledger_of(all_runs)).lines.call_has_ended()
        gate.set()
        assert await outcomes(first, second) == ["", ""]
    [told] = [event for event in host.events if event.kind == "budget"]
    assert (told.name, told.unit, told.spent, told.limit, told.waits) == ("all", "usd", 0, 0.8, True)
    assert 0.4 < told.reserved < 0.6


@pytest.mark.parametrize("budget", ["usd: 8", "usd: 0, match: { agent: nobody }"])
async def test_a_budget_that_is_changed_lets_go_who_waits_for_it(tmp_path: Path, budget: str) -> None:
    gate = asyncio.Event()
    script = [Reply.text(gate, "Hi"), Reply.text("Hi")]
    async with Upstream(script) as upstream, runs(tmp_path, config(upstream, "usd: 0.8")) as all_runs:
        first = started(all_runs)
        await upstream.received()
        others = [started(all_runs) for _ in range(3)]
        await somebody_waits(all_runs)
        (tmp_path / ".agentroute/config.yaml").write_text(config(upstream, budget))
        await all_runs._services.config.reload()
        assert await outcomes(*others) == [""] * 3
        gate.set()
        assert await outcomes(first) == [""]


async def test_nobody_is_held_up_while_a_person_is_asked(tmp_path: Path) -> None:
    gate, is_asked, answer = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class SlowHost(WritingHost):
        async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
            is_asked.set()
            await answer.wait()
            return ToolApproveResult(decision="reject_once")

    text = "calls: 1, on_breach: ask"
    async with Upstream([Reply.text(gate, "Hi")]) as upstream, runs(tmp_path, config(upstream, text)) as all_runs:
        first = started(all_runs)
        await upstream.received()
        asks = started(all_runs, host=SlowHost())
        await somebody_waits(all_runs)
        second = started(all_runs)
        gate.set()
        await is_asked.wait()
        assert await outcomes(first, second) == ["", "BudgetExceeded"]
        answer.set()
        assert await outcomes(asks) == ["BudgetExceeded"]
