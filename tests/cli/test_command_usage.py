"""`agentrouted usage`."""

import contextlib
import csv
import io
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

from harness.command import agentrouted, serving

from agentrouted.core.storage.prepare import prepare
from agentrouted.core.storage.schema import SCRIPTS
from agentrouted.core.times import seconds_of
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
    call = Call("r", "r", "turn", "p", "m", "m", "local", at=1_772_000_000.0)
    ledger_of(tmp_path, *((replace(call, session=f"{number:05}"), Usage()) for number in range(10_001)))
    outcome = await agentrouted(tmp_path, "usage", "--by", "session", "--csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [row["session"] for row in rows] == [f"{number:05}" for number in range(10_001)]


def ledger_of(home: Path, *calls: tuple[Call, Usage]) -> None:
    file = home / ".agentroute/data/agentrouted.db"
    prepare(file, SCRIPTS)
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        for call, usage in calls:
            insert_ended(connection, call, Outcome("ok", usage))


async def test_names_are_no_formulas_to_a_spreadsheet(tmp_path: Path) -> None:
    names = ["=cmd|' /C calc'!A0", '@cf/llama, "3"', "a\nb"]
    ledger_of(tmp_path, *((Call("r", "r", "turn", "p", name, "m", "local"), Usage()) for name in names))
    outcome = await agentrouted(tmp_path, "usage", "--csv")
    rows = csv.DictReader(io.StringIO(outcome.out))
    assert [row["model"] for row in rows] == ["'=cmd|' /C calc'!A0", '\'@cf/llama, "3"', "a\nb"]


async def test_what_has_cost_little_does_not_look_free(tmp_path: Path) -> None:
    ledger_of(tmp_path, (Call("r", "r", "embedding", "p", "m", "m", "remote"), Usage(total_cost_usd=0.00002)))
    assert "$2e-05" in (await agentrouted(tmp_path, "usage")).out


async def test_totals_alone_are_a_row_for_spreadsheets_too(tmp_path: Path) -> None:
    ledger_of(tmp_path, *[(Call("r", "r", "turn", "p", "m", "m", "local"), Usage(input_tokens=3))] * 2)
    [row] = csv.DictReader(io.StringIO((await agentrouted(tmp_path, "usage", "--by", "", "--csv")).out))
    assert (row["calls"], row["input_tokens"]) == ("2", "6")


async def test_the_days_shown_are_compared_with_each_other(tmp_path: Path) -> None:
    spent = {"2026-01-01T12:00:00Z": 90.0, "2026-03-01T12:00:00Z": 1.0, "2026-03-03T12:00:00Z": 2.0}
    ledger_of(
        tmp_path,
        *(
            (Call("r", "r", "turn", "p", "m", "m", "remote", at=seconds_of(day, "day")), Usage(total_cost_usd=cost))
            for day, cost in spent.items()
        ),
    )
    line = (await agentrouted(tmp_path, "usage")).out.splitlines()[-1]
    assert line.split() == ["2026-01-28", "▅", "█", "2026-03-03,", "$2.00", "at", "most"]


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
