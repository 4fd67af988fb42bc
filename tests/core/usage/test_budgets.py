"""Budgets of the config: never gone beyond, whoever asks and from wherever."""

import asyncio
import math
import sqlite3
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs

from agentrouted.core.agent.runs import Runs
from agentrouted.core.errors import AgentroutedError, BudgetExceeded, PriceUnknown, Storage
from agentrouted.core.usage.call import Caller
from agentrouted.core.usage.limits import Limit, Reached
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.client_requests import Decision
from agentrouted_protocol.events import BudgetEvent, Event
from agentrouted_protocol.runs import RunAgentParams

# 10 tokens in and 5 out are 20 cents.
PRICE = "price: { input: 10000, output: 20000 }"
CALL = 0.2


def config(upstream: Upstream, budgets: str, model: str = PRICE) -> str:
    return f"""
providers:
  paid: {{ api_base: "{upstream.url}", local: false, api_key: k, models: [{{ id: m, {model} }}] }}
agents:
  boss: {{ model: paid/m, agents: [clerk] }}
  clerk: {{ model: paid/m }}
budgets:
  {budgets}
"""


async def ends(all_runs: Runs, count: int = 1, host: WritingHost | None = None, **more: Any) -> list[str]:
    """The text of the error of each, or nothing."""
    params = asked(Upstream(), **{"model": "paid/m", "prompt": "Hi", "maxTokens": 5, **more})
    results = await asyncio.gather(
        *(all_runs.start(params, host or WritingHost()).result() for _ in range(count)), return_exceptions=True
    )
    return [type(each).__name__ if isinstance(each, AgentroutedError) else "" for each in results]


def spent(home: Path) -> float:
    with sqlite3.connect(home / ".agentroute/data/agentrouted.db") as connection:
        return float(connection.execute("SELECT COALESCE(SUM(cost_usd), 0) FROM calls").fetchone()[0])


@pytest.mark.parametrize("budget", ["usd: 2.1", "tokens: 160", "calls: 10"])
@pytest.mark.parametrize("per", ["hour", "day", "month"])
async def test_a_hundred_runs_at_once_do_not_go_beyond(tmp_path: Path, budget: str, per: str) -> None:
    async with Upstream() as upstream, runs(tmp_path, config(upstream, f"all: {{ {budget}, per: {per} }}")) as all_runs:
        told = await ends(all_runs, 100)
    assert told.count("BudgetExceeded") + told.count("") == 100
    assert len(upstream.requests) == told.count("") <= 10 and spent(tmp_path) <= 2.1
    assert told.count("") == 10 or budget != "calls: 10"


async def test_what_is_left_when_calls_have_ended_can_be_spent(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, config(upstream, "all: { usd: 1.2, per: day }")) as all_runs:
        told = [await ends(all_runs) for _ in range(8)]
    assert [each[0] for each in told] == ["", "", "", "", *["BudgetExceeded"] * 4]
    assert spent(tmp_path) == pytest.approx(4 * CALL)


@pytest.mark.parametrize("budget", ["usd: 1000", "tokens: 10000"])
@pytest.mark.parametrize(
    "said",
    [
        {"maxTokens": 2**63 - 1},
        {"maxTokens": 10**400},
        {"maxOutputTokens": 2**63, "maxTokens": None},
        {"maxCost": 1e308},
    ],
    ids=["long", "longest", "all replies", "money"],
)
async def test_who_says_the_largest_number_wants_no_limit(tmp_path: Path, budget: str, said: dict[str, Any]) -> None:
    async with Upstream() as upstream, runs(tmp_path, config(upstream, f"all: {{ {budget}, per: day }}")) as all_runs:
        assert await ends(all_runs, **said) == [""]


async def test_two_daemons_share_it(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream())
        text = config(upstream, "all: { calls: 10, per: day }")
        both = [await stack.enter_async_context(runs(tmp_path, text)) for _ in range(2)]
        told = await asyncio.gather(*(ends(each, 20) for each in both))
    assert [*told[0], *told[1]].count("") == 10 == len(upstream.requests)


async def test_agents_that_call_each_other_share_the_budget_of_a_run(tmp_path: Path) -> None:
    script = [Reply.tool_call("clerk", {"prompt": "Hi"}), Reply.text("Yes"), Reply.text("Done")]
    budgets = "all: { calls: 2, per: run }"
    async with Upstream(script * 2) as upstream, runs(tmp_path, config(upstream, budgets)) as all_runs:
        assert await ends(all_runs, model=None, agent="boss") == ["BudgetExceeded"]
        assert len(upstream.requests) == 2
        assert await ends(all_runs) == [""]


async def test_the_error_of_a_budget_for_each_run_names_no_time(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, config(upstream, "each: { tokens: 1, per: run }")) as all_runs:
        with pytest.raises(BudgetExceeded) as raised:
            await all_runs.start(asked(upstream), WritingHost()).result()
    assert (raised.value.details or {})["name"] == "each" and "resetsAt" not in (raised.value.details or {})


@pytest.mark.parametrize(
    "match",
    ["client: 'vim*'", "workspace: '/work/*'", "agent: clerk", "provider: paid", "model: 'm'", "client: '[x]*'"],
)
async def test_it_counts_what_it_names(tmp_path: Path, match: str) -> None:
    budgets = f"some: {{ calls: 1, per: day, match: {{ {match} }} }}"
    caller = Caller("[x] editor" if "[" in match else "vim 9", None, "/work/shop")
    async with Upstream() as upstream, runs(tmp_path, config(upstream, budgets)) as all_runs:
        for expected in ("", "BudgetExceeded"):
            params = asked(upstream, model=None, agent="clerk", maxTokens=5)
            [told] = await asyncio.gather(
                all_runs.start(params, WritingHost(), caller=caller).result(), return_exceptions=True
            )
            assert (type(told).__name__ if isinstance(told, AgentroutedError) else "") == expected


@pytest.mark.parametrize("match", ["client: emacs", "workspace: '/work'", "agent: boss", "provider: p", "model: '?m'"])
async def test_it_does_not_count_others(tmp_path: Path, match: str) -> None:
    budgets = f"some: {{ calls: 1, per: day, match: {{ {match} }} }}"
    async with Upstream() as upstream, runs(tmp_path, config(upstream, budgets)) as all_runs:
        assert await ends(all_runs, 3) == ["", "", ""]


async def test_who_is_refused_for_what_is_only_set_aside_is_told_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentrouted.core.usage.waiting.PATIENCE", 0.0)
    gate = asyncio.Event()
    budgets = "all: { calls: 1, per: day }"
    async with Upstream([Reply.text(gate, "Hi")]) as upstream, runs(tmp_path, config(upstream, budgets)) as all_runs:
        first = all_runs.start(asked(upstream, model="paid/m"), WritingHost())
        await upstream.received()
        with pytest.raises(BudgetExceeded) as raised:
            await all_runs.start(asked(upstream, model="paid/m"), WritingHost()).result()
        gate.set()
        await first.result()
        with pytest.raises(BudgetExceeded) as raised_later:
            await all_runs.start(asked(upstream, model="paid/m"), WritingHost()).result()
    hints = [raised.value.hint or "", raised_later.value.hint or ""]
    assert ["try again" in hint for hint in hints] == [True, False]


async def test_a_refusal_says_which_budget_and_until_when(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, config(upstream, "daily: { usd: 0.3, per: day }")) as all_runs:
        await ends(all_runs, prompt="x" * 20, maxTokens=1)
        host = WritingHost()
        with pytest.raises(BudgetExceeded) as raised:
            await all_runs.start(asked(upstream, model="paid/m"), host).result()
    details = raised.value.details or {}
    assert {**details, "resetsAt": None} == (
        {"name": "daily", "unit": "usd", "spent": 0, "reserved": 0, "limit": 0.3, "resetsAt": None}
    )
    assert details["resetsAt"].endswith("T00:00:00Z") and "daily" in raised.value.message
    assert "budget" in host.kinds and upstream.requests == []


async def test_money_set_aside_for_a_call_that_failed_is_there_again(tmp_path: Path) -> None:
    script = [Reply.status(401)] * 5 + [Reply.text("Hello")]
    async with (
        Upstream(script) as upstream,
        runs(tmp_path, config(upstream, "all: { calls: 1, per: day }")) as all_runs,
    ):
        told = [await ends(all_runs) for _ in range(7)]
    assert [each[0] for each in told] == [*["ProviderAuth"] * 5, "", "BudgetExceeded"]


async def test_a_reply_is_no_longer_than_what_is_left(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, config(upstream, "all: { tokens: 100, per: day }")) as all_runs:
        await ends(all_runs, maxTokens=None)
    assert 16 <= upstream.requests[0].body["max_tokens"] < 100


@pytest.mark.parametrize(("held", "more"), [("tokens: 900000", {}), ("usd: 5000", {}), ("calls: 9", {"maxCost": 5000})])
@pytest.mark.parametrize(
    ("window", "prompt", "longest"),
    [
        # As much as is left when its prompt takes the most that it may.
        (1_000, "Hi", 967),
        # Half of what is free as estimated: at most, these prompts fill their windows.
        (4_000, "word " * 2_000, 750),
        (128_000, "word " * 68_000, 8_192),
        # The least, where little is free.
        (1_000, "word " * 450, 512),
    ],
)
async def test_no_longer_reply_is_asked_for_than_the_window_has_room_for(
    tmp_path: Path, held: str, more: dict[str, Any], window: int, prompt: str, longest: int
) -> None:
    budget, model = f"all: {{ {held}, per: day }}", f"context_window: {window}, {PRICE}"
    async with Upstream() as upstream, runs(tmp_path, config(upstream, budget, model)) as all_runs:
        assert await ends(all_runs, maxTokens=None, prompt=prompt, **more) == [""]
    assert upstream.requests[0].body["max_tokens"] == longest


@pytest.mark.parametrize(("held", "more"), [("tokens: 100000", {}), ("usd: 500", {}), ("calls: 9", {"maxCost": 500})])
async def test_a_server_of_this_machine_says_how_large_its_window_is(
    tmp_path: Path, held: str, more: dict[str, Any]
) -> None:
    models = {"/v1/models": Reply.json({"data": [{"id": "m", "max_model_len": 4096}]})}
    async with Upstream(models=None, beside=models) as upstream:
        text = config(upstream, f"all: {{ {held}, per: day }}").replace("local: false", "local: true")
        async with runs(tmp_path, text) as all_runs:
            assert await ends(all_runs, maxTokens=None, **more) == [""]
    assert upstream.requests[-1].body["max_tokens"] < 4096


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("unknown_price: refuse", ["PriceUnknown"] * 2),
        ("unknown_price: allow", ["", ""]),
        ("tokens: 60, unknown_price: count_tokens", ["", "BudgetExceeded"]),
    ],
)
async def test_an_unknown_price(tmp_path: Path, policy: str, expected: Sequence[str]) -> None:
    async with Upstream() as upstream:
        text = config(upstream, f"all: {{ usd: 1, {policy}, per: day }}", "json_schema: false")
        async with runs(tmp_path, text) as all_runs:
            told = [(await ends(all_runs, maxTokens=20))[0] for _ in range(2)]
    assert told == expected


async def test_an_endpoint_on_this_machine_costs_no_money(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        here, upstream = [await stack.enter_async_context(Upstream()) for _ in range(2)]
        all_runs = await stack.enter_async_context(runs(tmp_path, config(upstream, "all: { usd: 0, per: day }")))
        assert await ends(all_runs, model=f"{here.url}/m") + await ends(all_runs) == ["", "BudgetExceeded"]


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        (["allow_once", "reject_once"], ["", "", "BudgetExceeded"]),
        ([], ["", "BudgetExceeded", "BudgetExceeded"]),
    ],
)
async def test_a_budget_that_asks(tmp_path: Path, decisions: list[Decision], expected: list[str]) -> None:
    budgets = "all: { calls: 1, per: day, on_breach: ask }"
    host = WritingHost(decisions=decisions)
    async with Upstream() as upstream, runs(tmp_path, config(upstream, budgets)) as all_runs:
        assert [(await ends(all_runs, host=host))[0] for _ in range(3)] == expected
    asked_for = [event for event in host.events if event.kind == "approval"]
    assert [event.name for event in asked_for] == ["budget:all"] * 4


async def test_allow_always_holds_for_the_run(tmp_path: Path) -> None:
    script = [Reply.tool_call("look", {}), Reply.tool_call("look", {"again": 1}), Reply.text("Done")]
    host = WritingHost({"look": "seen"}, decisions=["allow_always"])
    budgets = "all: { calls: 1, per: day, on_breach: ask }"
    tools = [{"name": "look", "inputSchema": {"type": "object"}}]
    async with Upstream(script) as upstream, runs(tmp_path, config(upstream, budgets)) as all_runs:
        assert await ends(all_runs, host=host, tools=tools) == [""]
    assert len(upstream.requests) == 3


async def test_listeners_and_the_run_hear_once_of_80_and_100_percent(tmp_path: Path) -> None:
    heard: list[Reached] = []
    async with Upstream() as upstream, runs(tmp_path, config(upstream, "all: { calls: 5, per: day }")) as all_runs:
        all_runs._services.ledger.subscribe(heard.append)
        hosts = [WritingHost() for _ in range(6)]
        for host in hosts:
            await ends(all_runs, host=host)
    assert [(each.limit.name, each.percent, each.spent) for each in heard] == [("all", 80, 4), ("all", 100, 5)]
    assert [host.kinds.count("budget") for host in hosts] == [0, 0, 0, 1, 1, 1]


async def test_a_budget_that_counts_other_calls_from_now_on_is_heard_of_anew(tmp_path: Path) -> None:
    heard: list[Reached] = []
    budget = 'all: {{ calls: 1, per: day, match: {{ model: "{}" }} }}'
    async with Upstream() as upstream, runs(tmp_path, config(upstream, budget.format("m"))) as all_runs:
        all_runs._services.ledger.subscribe(heard.append)
        told = await ends(all_runs)
        (tmp_path / ".agentroute/config.yaml").write_text(config(upstream, budget.format("small")))
        await all_runs._services.config.reload()
        told += await ends(all_runs, model="paid/small")
    assert told == ["", ""] and [each.percent for each in heard] == [80, 100, 80, 100]


def test_the_last_moment_of_a_month_belongs_to_it() -> None:
    february = datetime(2026, 2, 1, tzinfo=UTC).timestamp()
    limit = Limit("all", "usd", 1.0, "month")
    assert limit.window(math.nextafter(february, 0)).end == limit.window(february).start == february


async def test_what_a_call_has_taken_is_not_set_aside_for_it_as_well(tmp_path: Path) -> None:
    counted = list[tuple[int, int]]()

    class Watching(WritingHost):
        def emit(self, event: Event) -> None:
            super().emit(event)
            if isinstance(event, BudgetEvent):
                counted.append((run.context.state.usage.output_tokens, run.context.held.output))

    async with Upstream() as upstream, runs(tmp_path, config(upstream, "all: { calls: 1, per: day }")) as all_runs:
        run = all_runs.start(asked(upstream, model="paid/m", maxOutputTokens=100), Watching())
        await run.result()
    assert counted == [(5, 0), (5, 0)]


async def test_a_limit_that_was_changed_is_in_force_with_the_next_call(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, config(upstream, "all: { calls: 1, per: day }")) as all_runs:
        told = await ends(all_runs) + await ends(all_runs)
        (tmp_path / ".agentroute/config.yaml").write_text(config(upstream, "all: { calls: 2, per: day }"))
        await all_runs._services.config.reload()
        told += await ends(all_runs) + await ends(all_runs)
    assert told == ["", "BudgetExceeded", "", "BudgetExceeded"]


async def test_where_there_is_no_database_nothing_is_spent_unseen(tmp_path: Path) -> None:
    (tmp_path / ".agentroute/data/agentrouted.db").mkdir(parents=True)
    async with Upstream() as upstream, runs(tmp_path, config(upstream, "all: { calls: 1, per: day }")) as all_runs:
        assert await ends(all_runs) == ["Storage"]


async def test_price_unknown_names_the_way_out(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream())
        text = config(upstream, "all: { usd: 1, per: day }", "json_schema: false")
        all_runs = await stack.enter_async_context(runs(tmp_path, text))
        with pytest.raises(PriceUnknown) as raised:
            await all_runs.start(asked(upstream, model="paid/m"), WritingHost()).result()
    assert "budgets.all.unknown_price" in (raised.value.hint or "")


async def test_runs_that_fail_on_one_ledger_do_not_tell_each_other_what_was_said(tmp_path: Path) -> None:
    (tmp_path / ".agentroute/data/agentrouted.db").mkdir(parents=True)
    async with Upstream() as upstream, runs(tmp_path, config(upstream, "all: { calls: 9, per: day }")) as all_runs:
        errors = await asyncio.gather(
            *(failed(all_runs, asked(upstream, model="paid/m", prompt=word)) for word in ("heron", "otter"))
        )
        fault = all_runs._services.ledger.fault
    assert [[message.content for message in each.messages or ()] for each in errors] == [["heron"], ["otter"]]
    assert len({each.run_id for each in errors}) == 2
    assert {(each.message, each.hint) for each in errors} == {(fault.message, fault.hint)}
    assert (fault.run_id, fault.usage, fault.messages) == (None, None, None)


async def failed(all_runs: Runs, params: RunAgentParams) -> Storage:
    with pytest.raises(Storage) as caught:
        await all_runs.start(params, WritingHost()).result()
    return caught.value
