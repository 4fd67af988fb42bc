"""What holds for every command."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness.command import agentrouted
from pydantic import ValidationError

from agentrouted.cli.failure import refused_argument, tell_failure
from agentrouted.cli.main import COMMANDS
from agentrouted_protocol.routing import Price
from agentrouted_protocol.runs import RunListParams
from agentrouted_protocol.version import __version__


async def test_help_lists_every_command_and_door(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "--help")
    assert outcome.code == 0
    assert all(f"\n  {name} " in outcome.out for name in COMMANDS)
    assert "agentrouted serve" in outcome.out


def test_help_loads_nothing_heavy() -> None:
    script = "import sys; from agentrouted.cli.main import main; main(['--help']); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not {"pydantic", "asyncio", "httpx"} & set(out.splitlines()[-1].split())


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_has_a_help_with_an_example(name: str, tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, name, "--help")
    assert outcome.code == 0
    assert f"example: agentrouted {name}" in outcome.out


async def test_version_is_one_line(tmp_path: Path) -> None:
    assert (await agentrouted(tmp_path, "--version")).out == f"agentrouted {__version__}\n"


async def test_a_mistyped_command_is_a_usage_error_with_the_nearest(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "modles")
    assert (outcome.code, outcome.out) == (2, "")
    assert "agentrouted models" in outcome.err


async def test_a_missing_argument_is_a_usage_error(tmp_path: Path) -> None:
    assert (await agentrouted(tmp_path, "resolve")).code == 2


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("models list smollm2-135m", "smollm2-135m"),
        ("models pull smollm2-135m --refresh", "--refresh"),
        ("models probe local/m --provider local", "--provider"),
        ("models smollm2-135m", "smollm2-135m"),
        ("runs list r-1", "r-1"),
        ("runs show r-1 --limit 3", "--limit"),
        ("runs --status failed cancel r-1", "cancel"),
        ("config get --output out.yaml", "--output"),
        ("config check --force", "--force"),
        ("config import litellm.yaml --force", "--force"),
        ("db check other.db", "other.db"),
        ("db vacuum other.db", "other.db"),
        ("usage --csv --json", "--csv"),
        ("logs --lines -3", "--lines"),
        ("status running", "running"),
    ],
)
async def test_what_would_have_no_effect_is_a_usage_error(line: str, refused: str, tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, *line.split())
    assert (outcome.code, outcome.out) == (2, "")
    assert refused in outcome.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("runs --limit 0", "agentrouted runs list: error: argument -n/--limit: must be at least 1"),
        ("memory list -n 1001", "agentrouted memory list: error: argument -n/--limit: must be at most 1000"),
        ("memory list --kind message", "agentrouted memory list: error: argument --kind: invalid choice: 'message'"),
        ("memory remember x --valid-to 0000-00-00", "argument --valid-to: '0000-00-00' is no time"),
        ("usage --since 99999-01-01", "agentrouted usage: error: argument --since: '99999-01-01' is no time"),
        ("usage --by colour", "agentrouted usage: error: argument --by: there is no 'colour': one or more of model, "),
        ("run Hi --model local/m --max-turns 0", "agentrouted run: error: argument --max-turns: must be at least 1"),
        (f"memory recall{' --tag t' * 101}", "argument --tag: must be a list of at most 100"),
        (f"memory forget{' --tag t' * 101}", "argument --tag: must be a list of at most 100"),
    ],
)
async def test_what_an_option_cannot_be_is_a_usage_error_with_its_name(line: str, refused: str, tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, *line.split(), "--json")
    assert (outcome.code, outcome.out) == (2, "")
    assert refused in outcome.err.splitlines()[-1]


def test_what_is_refused_and_is_no_argument_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        RunListParams(limit=0)
    assert refused_argument(caught.value, argparse.ArgumentParser()) is None
    tell_failure(caught.value, as_json=True)
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["data"]["kind"], error["message"]) == ("invalidParams", "`limit` must be at least 1")


def test_a_value_of_ours_that_does_not_fit_is_not_told_as_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--input")
    with pytest.raises(ValidationError) as caught:
        Price.model_validate({"input": ["secret"], "output": 1})
    assert refused_argument(caught.value, parser) is None
    tell_failure(caught.value, as_json=True)
    told = capsys.readouterr()
    assert json.loads(told.out)["error"]["data"]["kind"] == "internalError"
    assert "secret" not in told.out + told.err


async def test_an_unknown_option_is_told_with_the_usage_of_its_command(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "memory", "list", "--nonsense")
    assert outcome.err.startswith("usage: agentrouted memory list ") and "--cursor" in outcome.err


@pytest.mark.parametrize("door", ["serve", "connect"])
async def test_a_door_has_a_help_of_its_own(door: str, tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, door, "--help")
    assert outcome.code == 0 and outcome.out.startswith(f"usage: agentrouted {door} ")
    assert "--listen PATH" in outcome.out and f"example: agentrouted {door}" in outcome.out


@pytest.mark.parametrize("line", ["runs", "runs --json", "runs -n 3 --json", "runs --json list", "models --json list"])
async def test_a_list_needs_no_word_and_json_is_taken_before_it_and_after(line: str, tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, *line.split())
    assert outcome.code == 0 and bool(outcome.out) == ("--json" in line)


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "run", "hello", "--output", "missing.json")
    assert (outcome.code, outcome.err) == (1, "error: missing.json: No such file or directory\n")


@pytest.mark.parametrize(
    ("of", "published"), [("protocol", "protocol/schema/protocol.json"), ("config", "docs/config.schema.json")]
)
async def test_schema_prints_the_published_schema(of: str, published: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    assert (await agentrouted(tmp_path, "schema", of)).out == (root / published).read_text()


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -P -m agentrouted schema; echo $? >&2"
    process = subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == "141\n"
    process.stderr.close()
    process.wait()
