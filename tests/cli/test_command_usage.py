"""`agentrouted usage`."""

import contextlib
import csv
import io
import json
import sqlite3
from pathlib import Path

from harness.command import agentrouted, serving

from agentrouted.core.storage.prepare import prepare
from agentrouted.core.storage.schema import SCRIPTS
from agentrouted.core.usage.call import Call, Outcome
from agentrouted.core.usage.rows import insert_ended
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.messages import Usage


async def test_usage_is_a_table_with_totals(tmp_path: Path) -> None:
    async with serving(tmp_path), Upstream() as upstream:
        for model in ("small", "big", "big"):
            await agentrouted(tmp_path, "run", "Hi", "-m", f"{upstream.url}/{model}")
        outcome = await agentrouted(tmp_path, "usage", "--since", "1d")
    lines = [line.split() for line in outcome.out.splitlines()]
    assert lines[0] == ["model", "calls", "in", "out", "cached", "cost"]
    figures = [["big", "2", "20", "10"], ["small", "1", "10", "5"], ["total", "3", "30", "15"]]
    assert [line[:4] for line in lines[1:4]] == figures


async def test_usage_for_programs(tmp_path: Path) -> None:
    async with serving(tmp_path), Upstream() as upstream:
        await agentrouted(tmp_path, "run", "Hi", "-m", f"{upstream.url}/small")
        as_json = await agentrouted(tmp_path, "usage", "--by", "client, kind", "--json")
        as_csv = await agentrouted(tmp_path, "usage", "--by", "client", "--by", "kind", "--csv")
    [row] = json.loads(as_json.out)["rows"]
    assert (row["client"], row["kind"], row["calls"]) == ("agentrouted-cli", "turn", 1)
    [read] = csv.DictReader(io.StringIO(as_csv.out))
    assert (read["client"], read["kind"], read["input_tokens"]) == ("agentrouted-cli", "turn", "10")


async def test_more_rows_than_one_answer_has_are_all_there(tmp_path: Path) -> None:
    file = tmp_path / ".agentroute/data/agentrouted.db"
    prepare(file, SCRIPTS)
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        for number in range(10_001):
            call = Call("r", "r", "turn", "p", "m", "m", "local", session=f"{number:05}", at=1_772_000_000.0)
            insert_ended(connection, call, Outcome("ok", Usage(model_calls=1)))
    outcome = await agentrouted(tmp_path, "usage", "--by", "session", "--csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [row["session"] for row in rows] == [f"{number:05}" for number in range(10_001)]


async def test_what_usage_cannot_be_grouped_by_is_refused(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "usage", "--by", "colour")
    assert outcome.code == 1 and "'colour'" in outcome.err and "model, provider" in outcome.err


async def test_where_nothing_was_called_the_totals_are_zero(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "usage")
    assert outcome.out.splitlines()[-1].split()[:3] == ["total", "0", "0"]


async def test_budgets_are_told_in_their_unit_and_one_that_allows_nothing_is_used_up(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text("budgets: { none: { usd: 0, tokens: 2000000, per: day } }")
    lines = [line.split() for line in (await agentrouted(tmp_path, "usage")).out.splitlines()[-2:]]
    assert [line[:6] for line in lines] == [
        ["none", "$0.0000", "of", "$0.0000", "100%", "until"],
        ["none", "0", "of", "2,000,000", "tokens", "0%"],
    ]
