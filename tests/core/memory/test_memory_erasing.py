"""All of a scope forgotten, while others use the file."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

from harness.memories import HERE, THERE, remember

from agentrouted.core.erasing import forget_everything
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database
from agentrouted_protocol.memory import MemoryListParams


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
