"""What the README shows works as it stands there."""

import asyncio
import re
import sys
from pathlib import Path

from harness.peer import TIME_LIMIT, clean_environment

from agentrouted.core.config.load import load_text
from agentrouted.testing.upstream import Reply, Upstream

README = (Path(__file__).parents[1] / "README.md").read_text()


async def test_the_python_example_runs(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    script = [Reply.tool_call("temperature", {"city": "Rome"}), Reply.text("It is ", "21 °C.")]
    async with Upstream(script) as upstream:
        environment = clean_environment(tmp_path, OLLAMA_BASE_URL=upstream.url)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", example), stdout=asyncio.subprocess.PIPE, env=environment
        )
        output, _ = await asyncio.wait_for(process.communicate(), TIME_LIMIT)
    assert process.returncode == 0
    assert upstream.url in output.decode() and "It is 21 °C." in output.decode()
    assert upstream.requests[1].body["messages"][-1]["content"] == "21"


def test_the_config_example_is_a_good_config() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    loaded = load_text(example, None, {"GROQ_API_KEY": "key"})
    assert loaded.config is not None and loaded.problems == ()


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets and [target for target in targets if not (Path(__file__).parents[1] / target).exists()] == []
