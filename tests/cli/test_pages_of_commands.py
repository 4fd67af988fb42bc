"""What docs/memory.md and docs/usage.md show works as it stands there."""

import re
import shlex
from pathlib import Path

import pytest
from harness.command import agentrouted, serving

from agentrouted.core.config.load import load_text

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.parametrize("page", ["memory.md", "usage.md"])


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


async def test_its_commands_work_one_after_the_other(tmp_path: Path, page: str) -> None:
    async with serving(tmp_path):
        for line in "".join(blocks(page, "sh")).splitlines():
            words = shlex.split(line, comments=True)[1:]
            # Its files lie in the home of the test.
            here = [str(tmp_path / word) if word.endswith((".jsonl", ".db")) else word for word in words]
            outcome = await agentrouted(tmp_path, *here)
            assert outcome.code == 0, (line, outcome)


def test_its_config_is_read_without_a_problem(page: str) -> None:
    for block in blocks(page, "yaml"):
        assert list(load_text(block, None, {}).problems) == []
