"""Budgets of the config hold for Python programs, too."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
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

ASKS_A_MODEL = f"""
import sys; sys.path[:0] = {sys.path!r}
import asyncio
from agentrouted import ErrorBudget, LLMRequest, Message, resolve_model
from agentrouted.testing.upstream import Upstream
request = LLMRequest("", [Message("user", "Hi")])
async def ask():
    async with Upstream() as upstream:
        model = resolve_model(f"{{upstream.url}}/m")
        print((await model.complete(request)).content, end=" ")
        try:
            [chunk async for chunk in model.complete_stream(request)]
        except ErrorBudget as error:
            print(error.spent, error.limit, len(upstream.requests))
asyncio.run(ask())
"""

ASKS_ELSEWHERE = f"""
import sys; sys.path[:0] = {sys.path!r}
import asyncio
from agentrouted import ErrorAgent, LLMRequest, Message, resolve_model
try:
    asyncio.run(resolve_model("gpt-4o", api_key="k").complete(LLMRequest("", [Message("user", "Hi")])))
except ErrorAgent as error:
    print(error)
"""


def ran(home: Path, program: str = PROGRAM) -> str:
    command = [sys.executable, "-c", program]
    environment = clean_environment(home)
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, env=environment, check=True)
    return done.stdout.strip()


def test_two_programs_share_one(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text("budgets: { all: { calls: 1, per: month } }")
    assert [ran(tmp_path), ran(tmp_path)] == ["Hello", "1 1.0"]


def test_they_hold_for_a_model_that_is_asked_by_itself(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text("budgets: { all: { calls: 1, per: month } }")
    assert ran(tmp_path, ASKS_A_MODEL) == "Hello world 1 1.0 1"
    with sqlite3.connect(tmp_path / ".agentroute/data/agentrouted.db") as connection:
        query = "SELECT kind, client, asked, status FROM calls JOIN usage_keys ON usage_keys.id = keys"
        [(kind, client, asked, status)] = connection.execute(query)
    assert (kind, client, asked[:4], status) == ("turn", "python", "http", "ok")


def test_without_budgets_a_program_opens_no_file(tmp_path: Path) -> None:
    assert ran(tmp_path) == "Hello" and not (tmp_path / ".agentroute").exists()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("budgets: { all: { usd: 0.0000001, per: month } }", "budget `all`"),
        ("daemon: { limits: { boundary: local } }", "boundary `local`"),
    ],
)
def test_a_model_that_is_asked_by_itself_has_its_price_and_its_boundary(tmp_path: Path, config: str, said: str) -> None:
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text(config)
    assert said in ran(tmp_path, ASKS_ELSEWHERE)
