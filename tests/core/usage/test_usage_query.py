"""The ledger, grouped as asked: the sums say what the rows say."""

import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agentrouted.core.errors import InvalidParams
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.schema import SCRIPTS
from agentrouted.core.usage.call import Call, Caller, Outcome
from agentrouted.core.usage.ledger import Ledger
from agentrouted.core.usage.periods import LEVELS, Level
from agentrouted.core.usage.rows import insert_ended
from agentrouted.core.usage.sums import COUNTS, sum_up
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.usage import UsageParams, UsageResult, UsageRow, UsageTotals

FIRST = int(datetime(2026, 1, 30, 20, tzinfo=UTC).timestamp())
# Most of them in a few days, some in the months around.
SECONDS = (*range(FIRST, FIRST + 76 * 3600, 7), *range(FIRST - 8_000_000, FIRST + 8_000_000, 1000))


def some_calls(count: int) -> list[tuple[Call, Outcome]]:
    random = Random(7)
    return [
        (
            Call(
                run_id=f"r{number % 50}",
                tree=f"r{number % 10}",
                kind=random.choice(("turn", "retry", "summary")),
                provider=random.choice(("openai", "ollama")),
                model=random.choice(("small", "big")),
                asked="fast",
                crossing=random.choice(("local", "remote", "crossed")),
                session=random.choice(("", "s", "t")),
                agent=random.choice(("", "clerk")),
                caller=Caller(random.choice(("vim", "")), 1, random.choice(("/a", ""))),
                at=random.choice(SECONDS) + random.random(),
            ),
            Outcome(
                random.choice(("ok", "ok", "cancelled", "rateLimited")),
                Usage(
                    input_tokens=random.randrange(1000),
                    output_tokens=random.randrange(100),
                    cached_tokens=random.randrange(10),
                    reasoning_tokens=random.randrange(10),
                    total_cost_usd=random.choice((None, random.random())),
                    estimated=random.choice((True, False)),
                ),
            ),
        )
        for number in range(count)
    ]


def insert_all(connection: sqlite3.Connection) -> None:
    for each in CALLS:
        insert_ended(connection, *each)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    database = await Database.open(tmp_path / "a.db")
    ledger = await Ledger.open(database)
    await database.write(insert_all)
    yield ledger
    await database.aclose()
    ledger.close()


async def told(ledger: Ledger, params: UsageParams) -> UsageResult:
    return UsageResult.model_validate_json(await ledger.usage(params))


CALLS = some_calls(2000)

KEYS: dict[str, Any] = {
    "model": lambda call: call.model,
    "provider": lambda call: call.provider,
    "client": lambda call: call.caller.name,
    "workspace": lambda call: call.caller.workspace,
    "session": lambda call: call.session,
    "agent": lambda call: call.agent,
    "day": lambda call: datetime.fromtimestamp(call.at, UTC).date().isoformat(),
    "kind": lambda call: call.kind,
}
GROUPINGS: list[Any] = [list(keys) for count in (0, 1, 2, 3, len(KEYS)) for keys in combinations(KEYS, count)]
RANGES = [
    (None, None),
    ("2026-01-31", "2026-02-01"),
    ("2026-01-31T23:30:00Z", "2026-02-01T00:30:00Z"),
    ("2026-01-31T05:10:11.5Z", "2026-02-02T07:00:00+01:00"),
    ("2026-02-01T10:00:00Z", "2026-02-01T10:00:00Z"),
    ("2026-02-01T10:00:01Z", "2026-02-01T10:20:00Z"),
    (None, "2026-02-01T12:00:00Z"),
    ("2025-11-20T01:02:03Z", "2026-04-04T05:06:07Z"),
]


def seconds(text: str | None, default: float) -> float:
    if text is None:
        return default
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def counted(calls: list[tuple[Call, Outcome]]) -> dict[str, Any]:
    usages = [outcome.usage or Usage() for _, outcome in calls]
    return {
        "calls": len(calls),
        "input_tokens": sum(usage.input_tokens for usage in usages),
        "output_tokens": sum(usage.output_tokens for usage in usages),
        "cached_tokens": sum(usage.cached_tokens for usage in usages),
        "reasoning_tokens": sum(usage.reasoning_tokens for usage in usages),
        "cost_usd": pytest.approx(sum(usage.total_cost_usd or 0.0 for usage in usages)),
        "unpriced": sum(usage.total_cost_usd is None for usage in usages),
        "estimated": sum(usage.estimated for usage in usages),
        "errors": sum(outcome.status not in ("ok", "cancelled") for _, outcome in calls),
        "cancelled": sum(outcome.status == "cancelled" for _, outcome in calls),
        "local": sum(call.crossing == "local" for call, _ in calls),
        "crossed": sum(call.crossing == "crossed" for call, _ in calls),
    }


def counts(totals: UsageTotals) -> dict[str, Any]:
    return {name: getattr(totals, name) for name in counted([])}


@pytest.mark.parametrize("span", RANGES)
async def test_any_grouping_of_any_time_is_exact(ledger: Ledger, span: tuple[str, str]) -> None:
    since, until = span
    here = [each for each in CALLS if seconds(since, 0) <= each[0].at < seconds(until, 1e12)]
    for keys in GROUPINGS:
        result = await told(ledger, UsageParams(since=since, until=until, group_by=keys, limit=10_000))
        expected: dict[Any, list[Any]] = {}
        for each in here if keys else ():
            expected.setdefault(tuple(KEYS[key](each[0]) or None for key in keys), []).append(each)
        found = {tuple(getattr(row, key) for key in keys): counts(row) for row in result.rows}
        assert found == {key: counted(calls) for key, calls in expected.items()}
        assert counts(result.totals) == counted(here)


@pytest.mark.parametrize("level", LEVELS)
async def test_the_sums_of_each_level_are_those_of_the_rows(tmp_path: Path, level: Level) -> None:
    database = await Database.open(tmp_path / "a.db")
    await database.write(insert_all)
    await database.write(sum_up)
    query = f"SELECT {', '.join(f'SUM({name})' for name in COUNTS)} FROM usage_sums WHERE level = {level.number}"
    sums = await database.read(lambda connection: connection.execute(query).fetchone())
    await database.aclose()
    assert dict(zip(COUNTS, sums, strict=True)) == counted(CALLS)


async def test_a_ledger_from_before_there_were_sums_by_few_keys_says_the_same(tmp_path: Path, ledger: Ledger) -> None:
    old_file = tmp_path / "old.db"
    await (await Database.open(old_file, SCRIPTS[:5])).aclose()
    with sqlite3.connect(tmp_path / "a.db") as connection:
        sum_up(connection)
    with sqlite3.connect(old_file) as connection:
        connection.execute("ATTACH ? AS new", (str(tmp_path / "a.db"),))
        for table, part in (("usage_keys", "TRUE"), ("calls", "TRUE"), ("usage_sums", "level < 4")):
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM new.{table} WHERE {part}")
    database = await Database.open(old_file)
    older = await Ledger.open(database)
    for keys in GROUPINGS:
        params = UsageParams(group_by=keys)
        answers = [(await told(each, params)).rows for each in (older, ledger)]
        said, expected = [
            [(*(getattr(row, key) for key in keys), row.calls, round(row.cost_usd, 6)) for row in rows]
            for rows in answers
        ]
        assert said == expected
    await database.aclose()
    older.close()


async def test_calls_that_are_not_kept_stay_in_the_sums(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db")
    ledger = await Ledger.open(database, keep_days=lambda: 1.0)
    await database.write(insert_all)
    before = [await told(ledger, UsageParams(group_by=[key], until="2026-07-01")) for key in KEYS]
    await ledger.end(ledger.begin(replace(CALLS[0][0], at=time.time()), Usage), CALLS[0][1])
    after = [await told(ledger, UsageParams(group_by=[key], until="2026-07-01")) for key in KEYS]
    kept = await database.read(lambda connection: connection.execute("SELECT COUNT(*) FROM calls").fetchone()[0])
    await database.aclose()
    ledger.close()
    assert after == before and kept < 70


async def test_one_run_is_that_with_the_agents_it_has_called(ledger: Ledger) -> None:
    result = await told(ledger, UsageParams(run_id="r3", group_by=["day"], since="2026-01-31T05:10:11Z"))
    since = seconds("2026-01-31T05:10:11Z", 0)
    here = [call for call, _ in CALLS if "r3" in (call.run_id, call.tree) and call.at >= since]
    assert result.totals.calls == len(here) > 0
    assert {row.day for row in result.rows} == {KEYS["day"](call) for call in here}


@pytest.mark.parametrize(
    "keys", [["day"], ["session", "day"], ["session", "client"], ["kind", "model", "day", "agent"]]
)
@pytest.mark.parametrize("since", [None, "2026-01-31T05:10:11Z"])
async def test_pages_together_say_what_one_says(ledger: Ledger, keys: Any, since: str | None) -> None:
    params = UsageParams(group_by=keys, since=since)
    whole, cursor = await told(ledger, params), None
    rows: list[UsageRow] = []
    while not rows or cursor is not None:
        page = await told(ledger, params.model_copy(update={"limit": 3, "cursor": cursor}))
        assert page.totals == whole.totals and (len(page.rows) == 3 or page.next_cursor is None)
        rows, cursor = [*rows, *page.rows], page.next_cursor
    assert rows == whole.rows and whole.next_cursor is None


async def test_a_page_has_a_thousand_rows_unless_more_are_asked_for(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "c.db")
    ledger = await Ledger.open(database)
    for number in range(1001):
        ledger.end(ledger.begin(replace(CALLS[0][0], session=f"s{number}"), Usage), CALLS[0][1])
    page = await told(ledger, UsageParams(group_by=["session"]))
    assert (len(page.rows), page.totals.calls) == (1000, 1001) and page.next_cursor
    assert len((await told(ledger, UsageParams(group_by=["session"], limit=1001))).rows) == 1001
    await database.aclose()
    ledger.close()


@pytest.mark.parametrize(
    "keys", [["model"], ["day", "kind", "model"], ["session", "client"], ["agent", "session", "day"]]
)
async def test_rows_are_in_the_order_of_what_they_are_grouped_by(ledger: Ledger, keys: Any) -> None:
    rows = (await told(ledger, UsageParams(group_by=keys))).rows
    said = [[getattr(row, key) or "" for key in keys] for row in rows]
    assert said == sorted(said)


@pytest.mark.parametrize("name", ['a "b" \\ %d {}', "é\u2028\U0001f600", "\x01"])
async def test_any_name_is_told_as_it_is(tmp_path: Path, name: str) -> None:
    database = await Database.open(tmp_path / "c.db")
    ledger = await Ledger.open(database)
    call = replace(CALLS[0][0], model=name, session=name)
    await ledger.end(ledger.begin(call, Usage), CALLS[0][1])
    [row] = (await told(ledger, UsageParams(group_by=["session", "model"]))).rows
    assert (row.session, row.model) == (name, name)
    await database.aclose()
    ledger.close()


@pytest.mark.parametrize("cursor", ["", "x", "[]", '["a", "b"]', "[1]", "{}", '["\\ud800"]'])
async def test_a_cursor_from_elsewhere_is_refused(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(InvalidParams):
        await ledger.usage(UsageParams(group_by=["model"], cursor=cursor))


async def test_nothing_is_left_out_after_a_cursor_before_all_rows(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "c.db")
    ledger = await Ledger.open(database)
    for model in ("big", "small"):
        ledger.end(ledger.begin(replace(CALLS[0][0], model=model), Usage), CALLS[0][1])
    page = await told(ledger, UsageParams(group_by=["model"], cursor='["a"]'))
    assert [row.model for row in page.rows] == ["big", "small"]
    await database.aclose()
    ledger.close()


async def test_a_cursor_is_refused_where_there_are_no_rows(ledger: Ledger) -> None:
    with pytest.raises(InvalidParams):
        await ledger.usage(UsageParams(cursor='["m"]'))


async def test_one_session(ledger: Ledger) -> None:
    result = await told(ledger, UsageParams(session_id="s"))
    assert result.totals.calls == sum(call.session == "s" for call, _ in CALLS)


async def test_what_is_no_time_is_refused(ledger: Ledger) -> None:
    with pytest.raises(InvalidParams):
        await told(ledger, UsageParams(since="yesterday"))


async def test_an_empty_ledger_says_zero(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "b.db")
    ledger = await Ledger.open(database)
    result = await told(ledger, UsageParams(group_by=["model"]))
    assert (result.rows, result.totals.calls, result.totals.cost_usd) == ([], 0, 0.0)
    await database.aclose()
    ledger.close()
