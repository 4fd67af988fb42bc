"""Limits of a run: turns, money, tokens, time; the strictest holds."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs

from agentrouted.core.agent.limits import Limits, strictest
from agentrouted.core.config.agent import Agent, RunLimits
from agentrouted.core.errors import BudgetExceeded, MaxTurns, PriceUnknown, ProviderTimeout
from agentrouted.core.host import SilentHost
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.runs import RunAgentParams

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.02}
ADD = {"name": "add", "inputSchema": {"type": "object"}}


@pytest.mark.parametrize(
    ("run", "agent", "daemon", "held"),
    [
        ({}, {}, {}, 10),
        ({"max_turns": 20}, {}, {}, 20),
        ({"max_turns": 20}, {"max_turns": 5}, {}, 5),
        ({"max_turns": 3}, {"max_turns": 5}, {}, 3),
        ({"max_turns": 20}, {}, {"max_turns": 7}, 7),
        ({}, {}, {"max_turns": 50}, 10),
        ({}, {"max_turns": 50}, {}, 50),
    ],
)
def test_the_strictest_of_run_agent_and_daemon_holds(run: Any, agent: Any, daemon: Any, held: int) -> None:
    limits = strictest(RunAgentParams(**run), Agent(**agent), RunLimits(**daemon))
    assert limits == Limits(max_turns=held)


@pytest.mark.parametrize(
    "name", ["max_cost", "max_tokens", "max_input_tokens", "max_output_tokens", "timeout", "idle_timeout"]
)
def test_every_limit_is_taken_from_the_strictest(name: str) -> None:
    limits = strictest(RunAgentParams(**{name: 9}), Agent(**{name: 7}), RunLimits(**{name: 8}))
    assert getattr(limits, name) == 7
    assert getattr(strictest(RunAgentParams(), Agent(), RunLimits()), name) is None


async def test_exactly_so_many_model_calls_are_made_as_turns_are_allowed(tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {"n": 1}), Reply.tool_call("add", {"n": 2})]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(MaxTurns) as caught:
            await all_runs.start(asked(upstream, tools=[ADD], maxTurns=2), WritingHost({"add": "1"})).result()
    assert len(upstream.requests) == 2 and caught.value.details == {"turn": 3, "limit": 2}


async def test_a_bill_beyond_the_limit_ends_the_run(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Hello", usage=USAGE)]) as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(BudgetExceeded) as caught:
            await all_runs.start(asked(upstream, maxCost=0.01), SilentHost()).result()
    assert caught.value.details == {"spent": 0.02, "limit": 0.01}
    assert caught.value.usage is not None and caught.value.usage.total_cost_usd == 0.02


PRICED = """
providers:
  paid:
    api_base: {url}
    local: false
    models: [{{id: m, price: {{input: 1000, output: 1000}}}}]
"""


async def test_a_call_that_the_money_is_not_enough_for_is_not_made(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, PRICED.format(url=upstream.url)) as all_runs:
        with pytest.raises(BudgetExceeded):
            await all_runs.start(RunAgentParams(model="paid/m", prompt="Hi", max_cost=0.0005), SilentHost()).result()
        assert upstream.requests == []


async def test_the_reply_may_be_no_longer_than_the_money_is_enough_for(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, PRICED.format(url=upstream.url)) as all_runs:
        await all_runs.start(RunAgentParams(model="paid/m", prompt="Hi", max_cost=0.1), SilentHost()).result()
        # A tenth of a dollar is a hundred tokens, 33 of which the prompt may take with what stands around it.
        assert upstream.requests[0].body["max_tokens"] == 67


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": "你好" * 100},
        {"messages": [{"role": "user", "content": [{"type": "image", "url": "https://example.com/cat.png"}]}]},
        {"prompt": "Hi", "output": {"type": "object", "description": "It is a cat. " * 40}, "outputMode": "native"},
    ],
)
async def test_all_that_a_prompt_is_made_of_costs_money(tmp_path: Path, more: dict[str, Any]) -> None:
    async with Upstream() as upstream, runs(tmp_path, PRICED.format(url=upstream.url)) as all_runs:
        params = RunAgentParams.model_validate({"model": "paid/m", "maxCost": 0.2, "maxTokens": 5, **more})
        with pytest.raises(BudgetExceeded):
            await all_runs.start(params, SilentHost()).result()
        assert upstream.requests == []


async def test_an_unknown_price_is_not_zero(tmp_path: Path) -> None:
    config = "providers: {{paid: {{api_base: '{url}', local: false}}}}\n{more}"
    async with Upstream([Reply.text("Hi", usage=USAGE)]) as upstream:
        async with runs(tmp_path, config.format(url=upstream.url, more="")) as all_runs:
            with pytest.raises(PriceUnknown):
                await all_runs.start(RunAgentParams(model="paid/m", prompt="Hi", max_cost=1), SilentHost()).result()
            assert upstream.requests == []
        allowed = config.format(url=upstream.url, more="daemon: {limits: {unknown_price: allow}}")
        async with runs(tmp_path, allowed) as all_runs:
            params = RunAgentParams(model="paid/m", prompt="Hi", max_cost=1)
            assert (await all_runs.start(params, SilentHost()).result()).usage.total_cost_usd == 0.02


@pytest.mark.parametrize(("kind", "limit"), [("Input", 15), ("Output", 5)])
async def test_tokens_of_all_calls_together_are_limited(kind: str, limit: int, tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Never")]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        params = asked(upstream, tools=[ADD], **{f"max{kind}Tokens": limit})
        with pytest.raises(BudgetExceeded) as caught:
            await all_runs.start(params, WritingHost({"add": "3"})).result()
    assert len(upstream.requests) == 1
    assert caught.value.details is not None and caught.value.details["unit"] == f"{kind.lower()}Tokens"


async def test_a_run_ends_at_its_timeout_and_a_silent_model_at_the_idle_one(tmp_path: Path) -> None:
    for limit in ("timeout", "idleTimeout"):
        async with Upstream([Reply.silence()]) as upstream, runs(tmp_path) as all_runs:
            with pytest.raises(ProviderTimeout):
                await all_runs.start(asked(upstream, **{limit: 0.05}), SilentHost()).result()


async def test_fifty_runs_under_one_budget_never_overspend(tmp_path: Path) -> None:
    """One agent gives the same task to fifty others at once, each of which would cost a tenth of what it has."""
    agents = "agents: {{boss: {{model: paid/boss, agents: [worker]}}, worker: {{model: paid/m, max_tokens: 4}}}}"
    calls = {f"c{n}": ("worker", {"prompt": "Do it."}) for n in range(50)}
    usage = {"prompt_tokens": 35, "completion_tokens": 4}
    script = [Reply.tool_calls(calls), *[Reply.text("Done", usage=usage)] * 50]
    config = (PRICED + agents).replace("models: [", "models: [{{id: boss, price: {{input: 0, output: 0}}}}, ")
    async with Upstream(script) as upstream, runs(tmp_path, config.format(url=upstream.url)) as all_runs:
        run = all_runs.start(RunAgentParams(agent="boss", prompt="Go", max_cost=0.395), SilentHost())
        result = await asyncio.wait_for(run.result(), 20)
    cost = result.usage.total_cost_usd
    assert cost is not None and 0.35 <= cost <= 0.395
