"""The ledger says what the model server says, whatever happens between the two."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

from harness.hosts import WritingHost
from harness.in_process import asked, lasting_runs

from agentrouted.core.agent.live import Run
from agentrouted.core.agent.runs import Runs
from agentrouted.testing.connection import Received
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.events import Event

CONFIG = """
providers:
  one: {{ api_base: "{one}", api_key: k, models: [{{ id: m, price: {{ input: 1, output: 2 }} }}] }}
  two: {{ api_base: "{two}", api_key: k, models: [{{ id: m, price: {{ input: 1, output: 2 }} }}] }}
models:
  both: [one/m, two/m]
agents:
  boss: {{ model: both, agents: [clerk], idle_timeout: 0.4 }}
  clerk: {{ model: both, idle_timeout: 0.4 }}
"""
RUNS = 150


class Books:
    """A model server that keeps books."""

    def __init__(self, seed: int) -> None:
        self.billed: Counter[tuple[int, int]] = Counter()
        self._random = Random(seed)
        self._never = asyncio.Event()

    def reply(self, request: Received) -> Reply:
        """Mostly an answer, or a call of another agent; else any of what goes wrong."""
        tokens_in, tokens_out = self._random.randrange(1, 500), self._random.randrange(1, 90)
        usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}
        kind = self._random.randrange(12)
        if kind == 0:
            return Reply.status(429, headers={"retry-after": "0"})
        if kind == 1:
            return Reply.status(503)
        if kind == 2:
            return Reply.hang_up()
        if kind == 3:
            return Reply.text("Wait", self._never)
        if kind == 4:
            return Reply.silence()
        self.billed[tokens_in, tokens_out] += 1
        if kind in (5, 6) and request.body.get("tools") and request.body["messages"][-1]["role"] == "user":
            call = {"index": 0, "id": "c", "type": "function"}
            named = {"name": "clerk", "arguments": '{"prompt": "Hi"}'}
            return Reply.chat({"tool_calls": [{**call, "function": named}]}, finish="tool_calls", usage=usage)
        return Reply.text("Hello", usage=usage)


class Impatient(WritingHost):
    """Cancels the run at its so manieth event."""

    def __init__(self, cancels_at: int) -> None:
        super().__init__()
        self.run: Run | None = None
        self._cancels_at = cancels_at

    def emit(self, event: Event) -> None:
        super().emit(event)
        if len(self.events) == self._cancels_at and self.run:
            self.run.cancel()


async def one_run(all_runs: Runs, upstream: Upstream, random: Random) -> None:
    params = asked(upstream, model=None, agent="boss", sessionId=random.choice((None, f"s{random.randrange(30)}")))
    host = Impatient(random.randrange(2, 16))
    host.run = all_runs.start(params, host)
    await host.run.ended()


async def test_calls_and_tokens_are_those_of_the_server(tmp_path: Path) -> None:
    books = [Books(1), Books(2)]
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(Upstream([each.reply])) for each in books]
        all_runs = await stack.enter_async_context(lasting_runs(tmp_path, CONFIG.format(one=one.url, two=two.url)))
        random = Random(3)
        await asyncio.gather(*(one_run(all_runs, one, random) for _ in range(RUNS)))
    with sqlite3.connect(tmp_path / ".agentroute/data/agentrouted.db") as connection:
        of_each = "SELECT provider, COUNT(*) FROM calls JOIN usage_keys ON usage_keys.id = keys GROUP BY 1"
        made = dict(connection.execute(of_each).fetchall())
        bills = "SELECT input_tokens, output_tokens FROM calls WHERE NOT estimated AND input_tokens"
        reported = Counter(connection.execute(bills).fetchall())
        cut = "SELECT COUNT(*) FROM calls WHERE status IN ('cancelled', 'providerTimeout')"
        (cut_off,) = connection.execute(cut).fetchone()
        (under_way,) = connection.execute("SELECT COUNT(*) FROM open_calls").fetchone()
    assert (made, under_way) == ({"one": len(one.requests), "two": len(two.requests)}, 0)
    billed = books[0].billed + books[1].billed
    # Whoever stops listening while the bill is on its way does not get to see it.
    assert not reported - billed and (billed - reported).total() <= cut_off
    assert cut_off > 10 and reported.total() > RUNS / 3
