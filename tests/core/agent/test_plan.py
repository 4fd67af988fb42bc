"""What a run says, over what its agent of the config says."""

from pathlib import Path
from typing import Any

import pytest

from agentrouted.core.agent.plan import Plan, plan_run
from agentrouted.core.config.load import load_text
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.errors import InvalidParams
from agentrouted_protocol.runs import RunAgentParams, SlidingWindow, Summarize, Truncate

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0"
CONFIG = """
agents:
  other: {}
  a:
    model: ollama/m
    instructions: Be brief.
    agents: [other]
    mcp_servers: [files]
    output: {title: City, type: object}
    history: {strategy: truncate, max_tokens: 9}
    retries: 4
    sampling: {temperature: 0.5, seed: 1}
mcp_servers: {files: {command: files}}
"""


def plan(**params: Any) -> Plan:
    config = load_text(CONFIG, Path("config.yaml"), {}).config
    assert config is not None
    return plan_run(Snapshot(1, config, {}), RunAgentParams(agent="a", prompt="Hi", **params))


def test_what_an_agent_of_the_config_says_holds() -> None:
    planned = plan()
    assert planned.model == "ollama/m" and planned.opening[0].content == "Be brief."
    assert (planned.agents, planned.mcp_servers, planned.retries) == (("other",), ("files",), 4)
    assert planned.wanted is not None and planned.wanted.name == "City"
    assert planned.history == Truncate(strategy="truncate", max_tokens=9)
    assert planned.sampling.temperature == 0.5


def test_what_a_run_says_comes_first() -> None:
    window = SlidingWindow(strategy="slidingWindow", window_size=2)
    said = {"agents": [], "mcp_servers": [], "retries": 0, "output": {"title": "Town"}, "history": window}
    planned = plan(**said, sampling={"temperature": 0})
    assert (planned.agents, planned.mcp_servers, planned.retries) == ((), (), 0)
    assert planned.wanted is not None and planned.wanted.name == "Town"
    assert planned.history == window
    assert (planned.sampling.temperature, planned.sampling.seed) == (0, 1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{strategy: sliding_window}", SlidingWindow(strategy="slidingWindow")),
        ("{strategy: sliding_window, window_size: 3}", SlidingWindow(strategy="slidingWindow", window_size=3)),
        ("{strategy: truncate, max_tokens: 7}", Truncate(strategy="truncate", max_tokens=7)),
        (
            "{strategy: summarize, model: ollama/m, keep_recent: 0}",
            Summarize(strategy="summarize", model="ollama/m", keep_recent=0),
        ),
    ],
)
def test_a_history_of_the_config_is_that_of_the_contract(written: str, meant: object) -> None:
    config = load_text(f"agents: {{a: {{history: {written}}}}}", Path("config.yaml"), {}).config
    assert config is not None and config.agents["a"].history is not None
    assert config.agents["a"].history.value == meant


@pytest.mark.parametrize(
    "written", ["{strategy: truncate, window_size: 3}", "{strategy: summarize}", "{strategy: forget}", "{}"]
)
def test_a_history_that_cannot_be_meant_is_told(written: str) -> None:
    loaded = load_text(f"agents: {{a: {{history: {written}}}}}", Path("config.yaml"), {})
    assert loaded.config is None and loaded.problems[0].path.startswith("agents.a.history")


@pytest.mark.parametrize("named", [{"session_id": SECRET}, {"memory": {"scope": {"user": SECRET}}}])
def test_a_run_is_refused_before_it_begins_where_what_it_says_could_not_be_kept(named: dict[str, Any]) -> None:
    with pytest.raises(InvalidParams, match="secret") as refused:
        plan(**named)
    assert SECRET not in str(refused.value)
