"""What a home folder has for the daemon holds for Python programs, too."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from harness.peer import TIME_LIMIT, clean_environment
from harness.wire import endpoint

from agentrouted.core.profiles import Finding, Profiles
from agentrouted.core.storage.shared import SharedDatabase
from agentrouted.testing.upstream import Upstream


async def ran(home: Path, model: str) -> str:
    program = f"import sys; sys.path[:0] = {sys.path!r}\nfrom agentrouted import Agent\n"
    program += f"print(Agent('a', model={model!r}).run('Hi', temperature=0.5))"
    command = [sys.executable, "-c", program]
    environment = clean_environment(home)
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=TIME_LIMIT, env=environment, check=True
    )
    return done.stdout.strip()


async def test_a_command_writes_the_key_from_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / "key.txt").write_text("k-1")
    async with Upstream() as upstream:
        paid = {"api_base": upstream.url, "api_key": {"command": ["cat", "key.txt"]}, "models": [{"id": "m"}]}
        (tmp_path / ".agentroute/config.yaml").write_text(json.dumps({"providers": {"paid": paid}}))
        assert await ran(tmp_path, "paid/m") == "Hello world"
    assert upstream.requests[0].headers["authorization"] == "Bearer k-1"


async def test_what_was_learned_of_a_model_is_known(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    database = SharedDatabase(tmp_path / ".agentroute/data/agentrouted.db")
    async with Upstream() as upstream:
        found = Finding(False, "refused", "run", time.time())
        await Profiles(database).replace(endpoint(upstream.url, model_id="m"), {"quirks.parameters.temperature": found})
        await database.aclose()
        assert await ran(tmp_path, f"{upstream.url}/m") == "Hello world"
    assert "temperature" not in upstream.requests[0].body
