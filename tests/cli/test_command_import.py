"""`agentrouted config import`, and what is included, at the terminal."""

import json
import os
from pathlib import Path

import pytest
from harness.command import agentrouted

from agentrouted.testing.upstream import Upstream

THEIRS = """\
model_list:
- model_name: chat
  litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}
general_settings: {master_key: sk-1234}
"""
OURS = """\
providers:
  openai: {api_key: '${OPENAI_API_KEY}'}
models:
  chat:
  - {provider: openai, model: gpt-4o}
"""


@pytest.fixture
def theirs(tmp_path: Path) -> str:
    path = tmp_path / "theirs.yaml"
    path.write_text(THEIRS)
    return str(path)


async def test_our_config_is_on_stdout_and_what_became_of_each_line_beside_it(tmp_path: Path, theirs: str) -> None:
    outcome = await agentrouted(tmp_path, "config", "import", theirs)
    assert (outcome.code, outcome.out) == (0, OURS)
    told = [line for line in outcome.err.splitlines() if line.startswith(theirs)]
    assert [line.removeprefix(f"{theirs}:").split(": ")[:3] for line in told] == [
        ["2:3", "exact", "model_list.0"],
        ["4:1", "unsupported", "general_settings"],
    ]
    assert outcome.err.splitlines()[-1] == "LiteLLM: 1 exact, 0 approximate, 1 unsupported"


async def test_programs_get_the_findings(tmp_path: Path, theirs: str) -> None:
    answer = json.loads((await agentrouted(tmp_path, "config", "import", theirs, "--json")).out)
    assert (answer["format"], answer["config"]) == ("litellm", OURS)
    assert [(each["fit"], each["path"], each["line"], each["column"]) for each in answer["findings"]] == [
        ("exact", "model_list.0", 2, 3),
        ("unsupported", "general_settings", 4, 1),
    ]


async def test_a_file_is_written_for_its_owner_only_and_none_is_overwritten(tmp_path: Path, theirs: str) -> None:
    ours = tmp_path / "ours.yaml"
    written = await agentrouted(tmp_path, "config", "import", theirs, "--output", str(ours))
    assert (written.code, written.out, ours.read_text()) == (0, "", OURS)
    assert ours.stat().st_mode & 0o777 == 0o600
    ours.write_text("agents: {}\n")
    again = await agentrouted(tmp_path, "config", "import", theirs, "--output", str(ours))
    assert (again.code, ours.read_text()) == (1, "agents: {}\n")
    assert "--force" in again.err
    forced = await agentrouted(tmp_path, "config", "import", theirs, "--output", str(ours), "--force")
    assert (forced.code, ours.read_text()) == (0, OURS)


@pytest.mark.parametrize("name", ["none.yaml", "."])
async def test_a_file_that_cannot_be_read_is_code_1(tmp_path: Path, name: str) -> None:
    outcome = await agentrouted(tmp_path, "config", "import", str(tmp_path / name))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: ")


async def test_a_link_and_a_pipe_that_it_is_written_to_stay_what_they_are(tmp_path: Path, theirs: str) -> None:
    (link := tmp_path / "link.yaml").symlink_to(tmp_path / "config.yaml")
    assert (await agentrouted(tmp_path, "config", "import", theirs, "--output", str(link))).code == 0
    assert link.is_symlink() and (tmp_path / "config.yaml").read_text() == OURS
    os.mkfifo(pipe := tmp_path / "pipe")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert (await agentrouted(tmp_path, "config", "import", theirs, "--output", str(pipe), "--force")).code == 0
    assert os.read(reader, 65536).decode() == OURS and pipe.is_fifo()
    os.close(reader)


async def test_no_file_at_all_is_told(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "config", "import")
    assert outcome.code == 2 and "FILE" in outcome.err


async def test_a_model_of_an_included_file_runs(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        deployment = {"model": "openai/served", "api_base": upstream.url, "api_key": "os.environ/THEIR_KEY"}
        (tmp_path / "theirs.yaml").write_text(
            json.dumps({"model_list": [{"model_name": "chat", "litellm_params": deployment}]})
        )
        config = tmp_path / ".agentroute/config.yaml"
        config.parent.mkdir()
        config.write_text("include: ~/theirs.yaml\n")
        outcome = await agentrouted(tmp_path, "run", "hi", "-m", "chat", THEIR_KEY="k1")
        received = await upstream.received()
    assert outcome.code == 0
    assert (received.body["model"], received.headers["authorization"]) == ("served", "Bearer k1")


async def test_check_and_doctor_tell_of_what_is_included(tmp_path: Path, theirs: str) -> None:
    config = tmp_path / ".agentroute/config.yaml"
    config.parent.mkdir()
    config.write_text("include: [../theirs.yaml, gone.yaml]\n")
    checked = await agentrouted(tmp_path, "config", "check")
    assert checked.code == 1
    assert f"{config}:1:27: error: include: " in checked.out
    assert "theirs.yaml:4:1: warning: " in checked.out
    doctor = json.loads((await agentrouted(tmp_path, "doctor", "--json")).out)
    broken = next(check for check in doctor if check["name"] == "config")
    assert (broken["state"], broken["mend"]) == ("broken", "agentrouted config check")
