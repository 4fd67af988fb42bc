"""All of a scope forgotten, while others use the file."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

from harness.in_process import asked, lasting_runs
from harness.memories import HERE, THERE, remember, says

from agentrouted.core.agent.fork import forked
from agentrouted.core.erasing import forget_everything
from agentrouted.core.host import SilentHost
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.memory import MemoryListParams
from agentrouted_protocol.runs import RunForkParams, RunListParams


async def test_what_would_be_forgotten_is_counted_while_another_writes(tmp_path: Path) -> None:
    store = Store(await Database.open(tmp_path / "memory.db"))
    await remember(store, "likes tea", scope=HERE)
    with contextlib.closing(sqlite3.connect(tmp_path / "memory.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        counted = await asyncio.to_thread(forget_everything, tmp_path / "memory.db", HERE, dry_run=True)
    assert (counted.facts, counted.messages) == (1, 0)
    await store.aclose()


async def test_all_is_forgotten_while_another_writes_all_the_time(tmp_path: Path) -> None:
    store = Store(await Database.open(tmp_path / "memory.db"))
    for number in range(200):
        await remember(store, f"likes tea number {number}", scope=HERE)
    erasing = asyncio.create_task(asyncio.to_thread(forget_everything, tmp_path / "memory.db", HERE))
    kept = 0
    while not erasing.done():
        await remember(store, f"likes coffee number {kept}", scope=THERE)
        kept += 1
    erased = await erasing
    assert (erased.facts, list(erased.left)) == (200, [])
    page = await store.page(MemoryListParams(scope=THERE, limit=1000))
    assert len(page.entries) == min(kept, 1000) and not (await store.page(MemoryListParams(scope=HERE))).entries
    await store.aclose()


async def test_forks_of_a_run_that_the_journal_has_no_more_are_forgotten(tmp_path: Path) -> None:
    async with Upstream() as upstream, lasting_runs(tmp_path) as all_runs:
        services = all_runs._services
        await (await services.memory.get()).add_messages("s", [says("the secret plan")], HERE)
        first = all_runs.start(asked(upstream, sessionId="s"), SilentHost())
        await first.result()
        fork = RunForkParams(run_id=first.run_id, seq=1, prompt="And?")
        params = await forked(await all_runs.stored(first.run_id), fork, services.memory)
        await all_runs.start(params, SilentHost(), parent_run_id=first.run_id).result()
        assert "the secret plan" in str(upstream.requests[1].body)
        database = await services.database.get()
        sql = "DELETE FROM runs WHERE run_id = ?"
        await database.write(lambda connection: connection.execute(sql, (first.run_id,)))
        erased = await asyncio.to_thread(forget_everything, database.path, HERE)
        assert erased.runs == 1 and (await all_runs.page(RunListParams())).runs == ()


async def test_runs_of_an_agent_that_has_looked_it_up_are_forgotten(tmp_path: Path) -> None:
    script = [Reply.tool_call("recall", {"query": "plan"}), Reply.text("ok")]
    config = "agents: {helper: {memory: {scope: {workspace: here}, recall: tool}}}"
    async with Upstream(script) as upstream, lasting_runs(tmp_path, config) as all_runs:
        await remember(await all_runs._services.memory.get(), "the secret plan", scope=HERE)
        await all_runs.start(asked(upstream, agent="helper"), SilentHost()).result()
        assert "the secret plan" in str(upstream.requests[1].body)
        path = (await all_runs._services.database.get()).path
        assert (await asyncio.to_thread(forget_everything, path, HERE)).runs == 1
