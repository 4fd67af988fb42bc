"""`scripts/demo.py`, on the embedded model."""

import asyncio
import sys
from pathlib import Path

import pytest
from harness.peer import TIME_LIMIT, clean_environment
from harness.process import running

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "scripts/demo.py"
README = ROOT / "README.md"


@pytest.mark.model
async def test_the_demo_shows_a_route_an_answer_and_a_tool_call_with_their_usage(
    demo_model: Path, tmp_path: Path
) -> None:
    models = tmp_path / ".agentroute/models"
    models.mkdir(parents=True)
    (models / "smollm2-135m.gguf").symlink_to(demo_model)
    # It answers two prompts.
    demo = running(sys.executable, str(DEMO), environment=clean_environment(tmp_path))
    async with demo as process, asyncio.timeout(3 * TIME_LIMIT):
        out, _ = await process.communicate()
    route, text, tool = out.decode().split("\n\n")
    assert route.startswith("resolveModel local/smollm2-135m")
    assert len(text.splitlines()) > 2 and '"modelCalls": 1' in text
    assert f"{README.stat().st_size} bytes" in tool and '"toolCalls": 1' in tool
