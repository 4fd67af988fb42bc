"""`MemorySQLite` of AgentRoute's SDK, measured."""

import asyncio
import dataclasses
import json
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agentroute.memory.sqlite import MemorySQLite

from bench.peers.memory_figures import Work, measure


async def main(path: str, work: dict[str, Any]) -> None:
    # It keeps a connection that only the thread it was opened in may use.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    memory = MemorySQLite(path)
    await memory.remember("key", "text")
    # By its own way, filling it would take time that grows with the square of the facts.
    with sqlite3.connect(path) as connection:
        rows = [(f"fact {number}", text) for number, text in enumerate(work.pop("filling"))]
        for table in ("facts", "facts_fts"):
            connection.executemany(f"INSERT INTO {table} (key, value) VALUES (?, ?)", rows)
    figures = await measure(lambda text: memory.remember(text, text), memory.recall, Work(**work))
    print(json.dumps(dataclasses.asdict(figures)))
    await memory.close()


asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))
