"""What docs/python.md shows works as it stands there."""

import asyncio
import re
import sys
from pathlib import Path

from agentrouted.testing.upstream import Reply, Upstream

PAGE = (Path(__file__).parents[2] / "docs/python.md").read_text()


async def test_the_examples_run(tmp_path: Path) -> None:
    answer = '{"city": "Rome", "celsius": 21}'
    call, text = Reply.tool_call("temperature", {"city": "Rome"}), Reply.text(answer)
    oslo = Reply.tool_call("temperature", {"city": "Oslo"})
    program = "\n".join(["import asyncio", *re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)])
    async with Upstream([call, text, oslo, text]) as upstream:
        environment = {"HOME": str(tmp_path), "OLLAMA_BASE_URL": upstream.url, "PYTHONPATH": ":".join(sys.path)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", program),
            stdout=asyncio.subprocess.PIPE,
            cwd=tmp_path,
            env=environment,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert output.decode().splitlines() == [
        "Answer(city='Rome', celsius=21.0) 2",
        "temperature {'city': 'Oslo'} -3.0",
        "Answer(city='Rome', celsius=21.0)",
    ]


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert (
        targets and [target for target in targets if not (Path(__file__).parents[2] / "docs" / target).exists()] == []
    )
