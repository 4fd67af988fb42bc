"""The config as it holds where folders have files of their own."""

from pathlib import Path

import pytest

from agentrouted.core.config.environment import Environment
from agentrouted.core.config.own_file import FILE_NAME
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.config.store import ConfigStore


async def at(home: Path, config: str, **own: str) -> Snapshot:
    """Of a client that works in folders with these files, in this order."""
    (home / ".agentroute").mkdir()
    (home / ".agentroute/config.yaml").write_text(config)
    for folder, text in own.items():
        (home / folder).mkdir()
        (home / folder / FILE_NAME).write_text(text)
    store = ConfigStore(Environment({}, home, home))
    folders = [str(home / folder) for folder in own]
    await store.open(folders)
    return store.current.in_folders(folders)


async def test_its_agents_stand_beside_those_of_the_config(tmp_path: Path) -> None:
    snapshot = await at(tmp_path, "agents: {mine: {model: m}}", a="agents: {theirs: {model: t}}")
    assert {name: agent.model for name, agent in snapshot.config.agents.items()} == {"mine": "m", "theirs": "t"}
    assert snapshot.origins["agents.theirs"] == f"{tmp_path / 'a' / FILE_NAME}:1"
    assert snapshot.is_good and snapshot.problems == ()


async def test_an_agent_of_the_config_is_not_replaced_and_that_is_told(tmp_path: Path) -> None:
    snapshot = await at(tmp_path, "agents: {reviewer: {model: mine}}", a="agents:\n  reviewer: {model: theirs}")
    assert snapshot.config.agents["reviewer"].model == "mine"
    (problem,) = snapshot.problems
    assert (problem.path, problem.severity) == ("agents.reviewer", "warning")
    assert problem.file == str(tmp_path / "a" / FILE_NAME) and problem.range and problem.range.start.line == 1


async def test_it_cannot_reach_an_agent_of_the_config_by_a_decoy(tmp_path: Path) -> None:
    own = "agents: {lead: {model: x, agents: [ops, helper]}, ops: {model: x}, helper: {model: x}}"
    snapshot = await at(tmp_path, "agents: {ops: {mcp_servers: [shell]}}\nmcp_servers: {shell: {command: sh}}", a=own)
    assert snapshot.config.agents["lead"].agents == ("helper",)
    assert snapshot.config.agents["ops"].mcp_servers == ("shell",)


@pytest.mark.parametrize(
    ("config", "own", "holds"),
    [
        ("{max_cost: 1}", "{max_cost: 5, max_turns: 50}", {"max_cost": 1, "max_turns": 50}),
        ("{max_cost: 5}", "{max_cost: 1}", {"max_cost": 1}),
        ("{max_cost: 5}", "{max_cost: 0}", {"max_cost": 0}),
        ("{boundary: local}", "{boundary: free}", {"boundary": "local"}),
        ("{boundary: free}", "{boundary: local}", {"boundary": "local"}),
        ("{timeout: 5, unknown_price: allow}", "{timeout: 9, idle_timeout: 1}", {"timeout": 5, "idle_timeout": 1}),
        ("{}", "{max_tokens: 7}", {"max_tokens": 7}),
    ],
)
async def test_its_limits_only_ever_make_stricter(
    tmp_path: Path, config: str, own: str, holds: dict[str, object]
) -> None:
    snapshot = await at(tmp_path, f"daemon: {{limits: {config}}}", a=f"limits: {own}")
    limits = snapshot.config.daemon.limits.model_dump(exclude_none=True, exclude={"unknown_price"})
    assert limits == holds
    assert snapshot.config.daemon.limits.unknown_price == ("allow" if "allow" in config else "refuse")


async def test_of_a_limit_it_is_said_whose_it_is(tmp_path: Path) -> None:
    snapshot = await at(
        tmp_path, "daemon: {limits: {max_cost: 1, timeout: 9}}", a="limits:\n  max_cost: 2\n  timeout: 3"
    )
    assert snapshot.origins["daemon.limits.max_cost"] == f"{tmp_path}/.agentroute/config.yaml:1"
    assert snapshot.origins["daemon.limits.timeout"] == f"{tmp_path / 'a' / FILE_NAME}:3"


async def test_of_several_folders_all_limits_and_instructions_hold(tmp_path: Path) -> None:
    snapshot = await at(
        tmp_path,
        "",
        a="instructions: One.\nlimits: {max_cost: 2}\nagents: {poet: {model: a}}",
        b="instructions: Two.\nlimits: {max_cost: 1, boundary: free}\nagents: {poet: {model: b}}",
    )
    assert snapshot.instructions == ("One.", "Two.")
    assert (snapshot.config.daemon.limits.max_cost, snapshot.config.boundary_in([])) == (1, "free")
    assert snapshot.config.agents["poet"].model == "a"
    assert [problem.file for problem in snapshot.problems] == [str(tmp_path / "b" / FILE_NAME)]


async def test_it_holds_in_its_folder_only(tmp_path: Path) -> None:
    await at(tmp_path, "", a="limits: {boundary: local}")
    store = ConfigStore(Environment({}, tmp_path, tmp_path))
    await store.open([str(tmp_path / "a")])
    folders = ["", "a", "..", str(tmp_path), str(tmp_path / "a/src"), str(tmp_path / "a/../b")]
    assert [store.current.boundary_in([folder]) for folder in folders] == [None] * len(folders)
    assert store.current.boundary_in([f"{tmp_path}/a/../a/"]) == "local"


async def test_without_such_a_file_nothing_is_made_anew(tmp_path: Path) -> None:
    store = ConfigStore(Environment({}, tmp_path, tmp_path))
    before = store.current
    await store.open([str(tmp_path)])
    assert store.current is before is before.in_folders([str(tmp_path)])
