"""What runs had spent when their process died counts when they go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs
from harness.peer import TIME_LIMIT

from agentrouted.core.agent.runs import Runs
from agentrouted.core.journal.base import Step
from agentrouted.core.journal.common import Retention
from agentrouted.core.journal.sqlite import SqliteJournal
from agentrouted.core.storage.database import Database
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.runs import RunResult, RunStatus

# 10 tokens in and 5 out are 20 cents.
CONFIG = """
providers:
  paid:
    api_base: "{url}"
    local: false
    api_key: k
    models: [{{ id: m, price: {{ input: 10000, output: 20000 }} }}]
  odd: {{ api_base: "{url}", local: false, api_key: k, models: [{{ id: m }}] }}
agents:
  caller: {{ model: paid/m, instructions: caller, agents: [helper] }}
  helper: {{ model: {helper}/m, instructions: helper, agents: [thinker] }}
  thinker: {{ model: paid/m, instructions: thinker }}
daemon: {{ limits: {{ unknown_price: allow }} }}
"""


class Dying(SqliteJournal):
    """That of a process which dies after the helper has ended: of its caller it has nothing later, or the bill only."""

    keeps_bill = False
    _helper_has_ended = False

    def write(self, run_id: str, step: Step) -> None:
        is_bill = self.keeps_bill and bool(step.state and step.state["billed"])
        if run_id != "r" or not self._helper_has_ended or is_bill:
            super().write(run_id, step)

    async def end(
        self, run_id: str, status: RunStatus, result: dict[str, object] | None, error: dict[str, object] | None
    ) -> None:
        await super().end(run_id, status, result, error)
        self._helper_has_ended |= run_id == "r.call_helper"


class DyingWithTheBill(Dying):
    keeps_bill = True


class Story:
    """The caller asks the helper, who asks the thinker; one of their replies is held back, once."""

    def __init__(self, held_at: str, helper: str = "paid") -> None:
        self.held = asyncio.Event()
        self.upstream = Upstream([self._reply])
        self._held_at, self._helper = held_at, helper

    @asynccontextmanager
    async def process(self, home: Path, journal: type[SqliteJournal] = SqliteJournal) -> AsyncIterator[Runs]:
        async def opening() -> SqliteJournal:
            return await journal.open(await Database.open(home / "journal.db"), Retention(86400, 1 << 24))

        async with (
            asyncio.timeout(TIME_LIMIT),
            runs(home, CONFIG.format(url=self.upstream.url, helper=self._helper), opening) as all_runs,
        ):
            yield all_runs

    def _reply(self, received: Received) -> Reply:
        system, *said = received.body["messages"]
        step = f"{system['content']} {sum(message['role'] == 'tool' for message in said)}"
        if step == self._held_at and not self.held.is_set():
            self.held.set()
            return Reply.silence()
        return {
            "caller 0": Reply.tool_call("helper", {"prompt": "How are you?"}, "call_helper"),
            "helper 0": Reply.tool_call("thinker", {"prompt": "Think."}, "call_thinker"),
        }.get(step, Reply.text("Well."))


async def resumed(story: Story, home: Path, journal: type[SqliteJournal] = SqliteJournal) -> tuple[RunResult, float]:
    """Its result, and what its budget has spent in the end."""
    async with story.upstream:
        async with story.process(home, journal) as all_runs:
            params = asked(story.upstream, model=None, agent="caller", runId="r", onDisconnect="continue", maxCost=100)
            run = all_runs.start(params, WritingHost())
            while not story.held.is_set():
                # Whatever asks for its state, and whenever: a client may.
                run.context.post()
                await asyncio.sleep(0)
        async with story.process(home) as all_runs:
            run = await all_runs.resume("r", WritingHost())
            return await run.result(), run.context.budget.spent


@pytest.mark.parametrize("journal", [SqliteJournal, Dying, DyingWithTheBill])
async def test_an_agent_that_had_ended_is_on_the_bill_of_its_caller_once(
    journal: type[SqliteJournal], tmp_path: Path
) -> None:
    result, spent = await resumed(Story("caller 1"), tmp_path, journal)
    assert result.usage.model_calls == 5
    assert (result.usage.total_cost_usd, spent) == pytest.approx((1, 1))


async def test_what_an_agent_in_the_middle_had_spent_counts_for_the_limit_of_its_caller(tmp_path: Path) -> None:
    result, spent = await resumed(Story("helper 1"), tmp_path)
    assert result.usage.model_calls == 5
    assert (result.usage.total_cost_usd, spent) == pytest.approx((1, 1))


async def test_a_call_of_unknown_price_does_not_make_what_was_spent_forgotten(tmp_path: Path) -> None:
    result, spent = await resumed(Story("caller 1", helper="odd"), tmp_path)
    assert result.usage.total_cost_usd is None and spent == pytest.approx(0.6)
