"""Budgets of the config hold for Python programs, too."""

import subprocess
import sys
from pathlib import Path

from harness.peer import TIME_LIMIT, clean_environment

PROGRAM = f"""
import sys; sys.path[:0] = {sys.path!r}
from agentrouted import Agent, ErrorBudget
from agentrouted.testing import ScriptedModel
try:
    print(Agent("a", model=ScriptedModel(["Hello"])).run("Hi"))
except ErrorBudget as error:
    print(error.spent, error.limit)
"""


def ran(home: Path) -> str:
    command = [sys.executable, "-c", PROGRAM]
    environment = clean_environment(home)
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, env=environment, check=True)
    return done.stdout.strip()


def test_two_programs_share_one(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text("budgets: { all: { calls: 1, per: month } }")
    assert [ran(tmp_path), ran(tmp_path)] == ["Hello", "1 1.0"]


def test_without_budgets_a_program_opens_no_file(tmp_path: Path) -> None:
    assert ran(tmp_path) == "Hello" and not (tmp_path / ".agentroute").exists()
