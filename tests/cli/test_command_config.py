"""`agentrouted config`."""

import json
from pathlib import Path

from harness.command import agentrouted, agentrouted_in


def write_config(home: Path, text: str) -> Path:
    path = home / ".agentroute/config.yaml"
    path.parent.mkdir()
    path.write_text(text)
    return path


async def test_a_good_file_is_code_0(tmp_path: Path) -> None:
    path = write_config(tmp_path, "agents: {}\n")
    outcome = await agentrouted(tmp_path, "config", "check")
    assert (outcome.code, outcome.out) == (0, f"{path} is good\n")


async def test_a_fault_is_told_as_compilers_do(tmp_path: Path) -> None:
    path = write_config(tmp_path, "agents:\n  poet:\n    modell: x\n")
    outcome = await agentrouted(tmp_path, "config", "check")
    assert outcome.code == 1
    assert outcome.out.startswith(f"{path}:3:5: error: agents.poet.modell: ")
    assert "model" in outcome.out.partition("hint: ")[2]


async def test_another_file_can_be_checked(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("nonsense: 1\n")
    outcome = await agentrouted(tmp_path, "config", "check", str(other), "--json")
    result = json.loads(outcome.out)
    assert (outcome.code, result["ok"]) == (1, False)
    assert result["problems"][0]["path"] == "nonsense"


async def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    assert (await agentrouted(tmp_path, "config", "check", str(tmp_path / "none.yaml"))).code == 1


async def test_no_file_at_all_is_no_fault(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "config", "check")
    assert outcome.code == 0
    assert "not there" in outcome.out


async def test_get_shows_values_and_where_they_stand(tmp_path: Path) -> None:
    path = write_config(tmp_path, "agents:\n  poet:\n    model: ollama/llama3\n")
    outcome = await agentrouted(tmp_path, "config", "get", "agents.poet.model")
    assert outcome.out.split() == ["agents.poet.model", '"ollama/llama3"', f"{path}:3"]


async def test_get_in_json_is_the_answer_of_the_daemon(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "config", "get", "--json")
    assert json.loads(outcome.out)["problems"] == []


async def test_the_own_file_of_the_folder_is_checked_beside(tmp_path: Path) -> None:
    path = write_config(tmp_path, "agents: {poet: }\n")
    own = tmp_path / ".agentroute.yaml"
    own.write_text("agents: {poet: }\n")
    outcome = await agentrouted_in(tmp_path, tmp_path, "config", "check")
    warning, *good = outcome.out.replace("\n  hint", " hint").splitlines()
    assert warning.startswith(f"{own}:1:16: warning: agents.poet: ")
    assert (outcome.code, good) == (0, [f"{path} is good", f"{own} is good"])
    own.write_text("providers: {}\n")
    assert (await agentrouted_in(tmp_path, tmp_path, "config", "check")).code == 1


async def test_an_own_file_can_be_checked_by_name(tmp_path: Path) -> None:
    (own := tmp_path / ".agentroute.yaml").write_text("agents: {poet: {mcp_servers: [x]}}\n")
    outcome = await agentrouted(tmp_path, "config", "check", str(own), "--json")
    assert (outcome.code, json.loads(outcome.out)["problems"][0]["path"]) == (1, "agents.poet.mcp_servers")
    own.unlink()
    assert (await agentrouted(tmp_path, "config", "check", str(own))).code == 1
