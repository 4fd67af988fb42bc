"""What the README shows works as it stands there."""

import asyncio
import re
import sys
from pathlib import Path

from harness.command import agentrouted
from harness.peer import TIME_LIMIT, clean_environment
from harness.process import running

from agentrouted.core.config.load import load_text
from agentrouted.testing.upstream import Reply, Upstream

README = (Path(__file__).parents[1] / "README.md").read_text()


IN_PROCESS, AS_A_CLIENT = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


async def test_the_example_in_python_runs(tmp_path: Path) -> None:
    script = [Reply.tool_call("temperature", {"city": "Rome"}), Reply.text("It is 21.5 °C.")]
    async with Upstream(script) as upstream:
        assert await output_of(IN_PROCESS, tmp_path, upstream) == "It is 21.5 °C.\n"
    assert upstream.requests[1].body["messages"][-1]["content"] == "21.5"


async def test_the_example_of_a_client_runs(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Rayleigh scattering.")]) as upstream:
        try:
            assert (await output_of(AS_A_CLIENT, tmp_path, upstream)).startswith("Rayleigh scattering.input_tokens=10 ")
        finally:
            await agentrouted(tmp_path, "stop")


async def output_of(program: str, home: Path, upstream: Upstream) -> str:
    environment = clean_environment(home, OLLAMA_BASE_URL=upstream.url)
    async with running(sys.executable, "-c", program, environment=environment) as process:
        async with asyncio.timeout(TIME_LIMIT):
            out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


def test_the_config_example_is_a_good_config() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    loaded = load_text(example, None, {"GROQ_API_KEY": "key"})
    assert loaded.config is not None and loaded.problems == ()


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets and [target for target in targets if not (Path(__file__).parents[1] / target).exists()] == []
