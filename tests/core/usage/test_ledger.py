"""Every model call is in the ledger, whatever became of it."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, lasting_runs, runs

from agentrouted.core.agent.runs import Runs
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.usage.call import Call, Caller, Outcome
from agentrouted.core.usage.rows import insert_ended
from agentrouted.testing.upstream import Reply, Upstream

HELLO = Reply.text("Hello")
DATABASE = ".agentroute/data/agentrouted.db"

TREE = """
providers:
  one: {{ api_base: "{url}", api_key: k, models: [{{ id: big, price: {{ input: 1, output: 2 }} }}] }}
agents:
  boss: {{ model: one/big, agents: [clerk] }}
  clerk: {{ model: one/big }}
"""

HERE_OR_THERE = """
providers:
  here: {{ api_base: "{here}", models: [{{ id: m }}] }}
  there: {{ api_base: "{there}", local: false, api_key: k, models: [{{ id: m }}] }}
models:
  fast: [here/m, there/m]
"""


def rows(
    home: Path, query: str = "SELECT * FROM calls JOIN usage_keys ON usage_keys.id = keys ORDER BY calls.id"
) -> Any:
    with sqlite3.connect(home / DATABASE) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


async def done(all_runs: Runs, *asked_for: Any) -> Sequence[Any]:
    results = [all_runs.start(params, WritingHost()).result() for params in asked_for]
    return await asyncio.gather(*results, return_exceptions=True)


async def test_a_call_is_written_down_with_who_asked_and_what_it_cost(tmp_path: Path) -> None:
    caller = Caller("my-editor", 4711, "/work/shop")
    async with Upstream() as upstream, runs(tmp_path, TREE.format(url=upstream.url)) as all_runs:
        params = asked(upstream, model=None, agent="clerk", sessionId="s", runId="r")
        await all_runs.start(params, WritingHost(), caller=caller).result()
    [row] = rows(tmp_path)
    assert row["latency"] >= row["first_token"] > 0 and row["at"] > 1.7e9
    told = ("run_id", "tree", "session", "client", "process", "workspace", "agent", "kind", "status", "boundary")
    assert [row[name] for name in told] == (
        ["r", "r", "s", "my-editor", 4711, "/work/shop", "clerk", "turn", "ok", "local"]
    )
    model = ("provider", "model", "asked", "served", "cost_source", "estimated")
    assert [row[name] for name in model] == ["one", "big", "one/big", "test-model", "config", 0]
    spent = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost_usd")
    assert [row[name] for name in spent] == [10, 5, 0, 0, pytest.approx(20e-6)]


async def test_a_try_that_failed_and_the_one_after_it_are_two_calls(tmp_path: Path) -> None:
    script = [Reply.status(429, headers={"retry-after": "0"}), Reply.text("Hello")]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        await done(all_runs, asked(upstream))
    assert [(row["kind"], row["status"], row["output_tokens"]) for row in rows(tmp_path)] == (
        [("turn", "rateLimited", 0), ("retry", "ok", 5)]
    )


async def test_what_was_heard_before_a_cancel_is_counted_and_marked_as_an_estimate(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Wait", asyncio.Event())]) as upstream, runs(tmp_path) as all_runs:
        host = WritingHost()
        run = all_runs.start(asked(upstream), host)
        while "textDelta" not in host.kinds:
            await asyncio.sleep(0)
        run.cancel()
        result = await run.result()
    [row] = rows(tmp_path)
    assert (row["status"], row["estimated"], row["output_tokens"]) == ("cancelled", 1, 1)
    assert result.usage.input_tokens == row["input_tokens"]


async def test_an_agent_called_by_another_one_is_in_the_tree_and_the_session_of_its_run(tmp_path: Path) -> None:
    script = [Reply.tool_call("clerk", {"prompt": "Hi"}), Reply.text("Yes"), Reply.text("Done")]
    async with Upstream(script) as upstream, runs(tmp_path, TREE.format(url=upstream.url)) as all_runs:
        await done(all_runs, asked(upstream, model=None, agent="boss", runId="top", sessionId="s"))
    assert [(row["agent"], row["tree"], row["session"]) for row in rows(tmp_path)] == (
        [("boss", "top", "s"), ("clerk", "top", "s"), ("boss", "top", "s")]
    )


async def test_leaving_this_machine_is_marked(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        here, there = [await stack.enter_async_context(Upstream(script)) for script in ([Reply.status(503)], [HELLO])]
        all_runs = await stack.enter_async_context(runs(tmp_path, HERE_OR_THERE.format(here=here.url, there=there.url)))
        await done(all_runs, asked(here, model="fast"))
    assert [(row["boundary"], row["provider"]) for row in rows(tmp_path)][-1] == ("crossed", "there")


async def test_a_summary_that_leaves_this_machine_is_marked_too(tmp_path: Path) -> None:
    said = [{"role": role, "content": "word " * 9} for role in ("user", "assistant", "user")]
    history = {"strategy": "summarize", "model": "fast", "keepRecent": 1}
    async with Upstream([Reply.status(503)]) as here, Upstream([HELLO]) as there, Upstream() as talking:
        config = HERE_OR_THERE.format(here=here.url, there=there.url)
        async with runs(tmp_path, config) as all_runs:
            await done(all_runs, asked(talking, prompt=None, messages=said, history=history))
    summaries = [(row["provider"], row["boundary"]) for row in rows(tmp_path) if row["kind"] == "summary"]
    assert summaries == [("here", "local"), ("there", "crossed")]


async def test_the_row_is_there_as_soon_as_the_journal_has_the_end(tmp_path: Path) -> None:
    async with Upstream() as upstream, lasting_runs(tmp_path) as all_runs:
        await done(all_runs, asked(upstream))
        ends = rows(tmp_path, "SELECT status FROM runs UNION ALL SELECT status FROM calls")
        assert [row["status"] for row in ends] == ["completed", "ok"]


async def test_a_call_that_takes_long_is_known_while_it_is_under_way(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Wait", asyncio.Event())]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream), WritingHost())
        await upstream.received()
        while not rows(tmp_path, "SELECT id FROM open_calls"):
            await asyncio.sleep(0.01)
        run.cancel()
        await run.result()
    assert rows(tmp_path, "SELECT id FROM open_calls") == [] and len(rows(tmp_path)) == 1


async def test_calls_are_kept_by_themselves_for_as_long_as_the_config_says(tmp_path: Path) -> None:
    old = Call("r", "r", "turn", "one", "big", "fast", "remote", at=1e9)
    async with Upstream() as upstream:
        for config in ("", "daemon: { ledger: { keep_days: 1 } }"):
            async with runs(tmp_path, config) as all_runs:
                await done(all_runs, asked(upstream))
            if not config:
                with sqlite3.connect(tmp_path / DATABASE) as connection:
                    for _ in range(64):
                        insert_ended(connection, old, Outcome("ok"))
    # The last one that is summed up stays.
    assert len(rows(tmp_path)) < 10
    assert rows(tmp_path, "SELECT SUM(calls) c FROM usage_sums WHERE level = 0") == [{"c": 64}]


async def test_without_a_place_for_a_database_a_run_is_as_good_as_any(tmp_path: Path) -> None:
    (tmp_path / DATABASE).mkdir(parents=True)
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        [result] = await done(all_runs, asked(upstream))
    assert not isinstance(result, AgentroutedError) and result.text == "Hello world"


async def test_a_ledger_that_cannot_be_written_is_told_once_and_has_every_call_afterwards(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refuse = "CREATE TRIGGER refuse BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'no room'); END"
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        await done(all_runs, asked(upstream))
        while not rows(tmp_path):
            await asyncio.sleep(0.01)
        rows(tmp_path, refuse)
        for _ in range(3):
            await done(all_runs, asked(upstream))
        while not caplog.records:
            await asyncio.sleep(0.01)
        rows(tmp_path, "DROP TRIGGER refuse")
        while len(rows(tmp_path)) < 4:
            await asyncio.sleep(0.01)
    assert ["no room" in record.message for record in caplog.records] == [True]
