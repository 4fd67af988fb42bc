"""What is loaded before the first answers, and what is not."""

import subprocess
import sys
from pathlib import Path

from harness.peer import TIME_LIMIT, clean_environment, spawned

from agentrouted.testing.upstream import Upstream

# What most sessions never need, or not at once: their first use pays for them.
LATER = {"aiohttp", "aiosqlite", "argparse", "click", "httpx", "mcp", "opentelemetry", "rich", "xllamacpp"}


async def test_the_first_route_is_resolved_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    loaded = await _loaded_by(tmp_path, "resolveModel", {"model": "ollama/llama3"})
    assert "pygls" in loaded
    assert loaded & LATER == set()


async def test_a_run_loads_httpx_without_its_command_line(tmp_path: Path) -> None:
    # mcp brings click, we bring rich: where both are httpx loads them, if it is let.
    async with Upstream() as upstream:
        loaded = await _loaded_by(tmp_path, "runAgent", {"model": f"{upstream.url}/m", "prompt": "Hi"})
    assert "httpx" in loaded
    assert loaded & {"click", "pygments", "rich"} == set()


def test_without_a_config_file_no_yaml_is_loaded_before_the_loop_serves(tmp_path: Path) -> None:
    script = """
import sys
import agentrouted.server.doors
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.store import ConfigStore
ConfigStore(Environment.of_process())
print(*sys.modules)
"""
    command, environment = [sys.executable, "-c", script], clean_environment(tmp_path)
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIME_LIMIT, env=environment)
    loaded = set(done.stdout.split())
    assert "agentrouted.core.config.store" in loaded
    assert loaded & (LATER | {"watchfiles", "yaml"}) == set()


async def _loaded_by(folder: Path, method: str, params: dict[str, str]) -> set[str]:
    """The packages that a daemon has loaded when it has answered."""
    # Python then tells each import on stderr.
    environment = clean_environment(folder, PYTHONPROFILEIMPORTTIME="1")
    async with spawned(folder, environment=environment) as peer:
        await peer.initialize()
        await peer.call(method, params)
        return {_package(line) for line in (folder / "stderr.txt").read_text().splitlines()}


def _package(line: str) -> str:
    """Of a line such as `import time:  12 |  345 |   pygls.server`."""
    return line.rpartition("|")[2].strip().partition(".")[0]
