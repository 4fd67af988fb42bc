"""What docs/memory.md shows works as it stands there."""

import re
import shlex
from pathlib import Path

from harness.command import agentrouted, serving

from agentrouted.core.config.load import load_text

PAGE = (Path(__file__).parents[2] / "docs/memory.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


async def test_its_commands_work_one_after_the_other(tmp_path: Path) -> None:
    async with serving(tmp_path):
        for line in "".join(blocks("sh")).splitlines():
            words = shlex.split(line)[1:]
            # Its files lie in the home of the test.
            here = [str(tmp_path / word) if word.endswith((".jsonl", ".db")) else word for word in words]
            outcome = await agentrouted(tmp_path, *here)
            assert outcome.code == 0, (line, outcome)


def test_its_config_is_read_without_a_problem() -> None:
    for block in blocks("yaml"):
        assert list(load_text(block, None, {}).problems) == []
