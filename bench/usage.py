"""`python -m bench.usage`: what the ledger costs, and answers."""

import argparse
import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from pydantic_core import from_json

from agentrouted.core.storage.database import Database
from agentrouted.core.usage.call import Call, Caller, Outcome
from agentrouted.core.usage.ledger import Ledger
from agentrouted.core.usage.limits import Held, Limit
from agentrouted.core.usage.rows import insert_ended
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.usage import UsageParams
from bench.measure import figure, percentile, print_machine, print_table, ratio

_END = 1_772_000_000
_DAYS = 365
_TIMES = 20

_ASKED: dict[str, tuple[UsageParams, str]] = {
    "totals": (UsageParams(), "'x'"),
    **{
        key: (UsageParams(group_by=[key]), key)
        for key in ("model", "provider", "client", "workspace", "session", "agent", "kind")
    },
    "day": (UsageParams(group_by=["day"]), "CAST(at / 86400 AS INTEGER)"),
    "model, day": (UsageParams(group_by=["model", "day"]), "model, CAST(at / 86400 AS INTEGER)"),
    "model, client": (UsageParams(group_by=["model", "client"]), "model, client"),
    "session, model": (UsageParams(group_by=["session", "model"]), "session, model"),
    "client, workspace, session": (
        UsageParams(group_by=["client", "workspace", "session"]),
        "client, workspace, session",
    ),
    "all but the day": (
        UsageParams(group_by=["model", "provider", "client", "workspace", "session", "agent", "kind"]),
        "model, provider, client, workspace, session, agent, kind",
    ),
    "model, an odd month": (
        UsageParams(group_by=["model"], since="2025-11-03T10:20:30Z", until="2025-12-03T10:20:31Z"),
        "model",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.usage", description="What the ledger costs, and answers.")
    parser.add_argument("--calls", type=int, default=1_000_000, help="so many are in the ledger")
    parser.add_argument("--folder", type=Path, help="where ledgers are kept, and found again")
    options = parser.parse_args()
    print_machine()
    with TemporaryDirectory() as folder:
        asyncio.run(_measure((options.folder or Path(folder)) / f"{options.calls}.db", options.calls))


async def _measure(path: Path, count: int) -> None:
    is_filled = path.exists()  # noqa: ASYNC240 - nothing else runs yet
    database = await Database.open(path)
    ledger = await Ledger.open(database)
    if not is_filled:
        await _fill(database, count)
    await _reads(ledger, path, count)
    await _holds(ledger)
    await database.aclose()
    ledger.close()


async def _fill(database: Database, count: int) -> None:
    random = Random(5)
    began = time.process_time()
    for done in range(0, count, 10_000):
        await database.write(_adder([_some_call(random, (done + number) / count) for number in range(10_000)]))
    each = (time.process_time() - began) / count
    print_table("One call written, among others", ("", "CPU µs"), [("row and sums", figure(each * 1e6, 1))])


def _adder(calls: list[tuple[Call, Outcome]]) -> Callable[[sqlite3.Connection], None]:
    def add(connection: sqlite3.Connection) -> None:
        for call, outcome in calls:
            insert_ended(connection, call, outcome)

    return add


def _some_call(random: Random, part: float) -> tuple[Call, Outcome]:
    """One of a year, `part` of which has gone by; about three sessions a day, each with a client and a folder."""
    at, session = _END - (1 - part) * _DAYS * 86400, int(part * _DAYS * 3)
    call = Call(
        run_id=f"{random.getrandbits(64):x}",
        tree=f"{random.getrandbits(64):x}",
        kind="turn" if random.random() < 0.9 else "retry",
        provider=random.choice(("openrouter", "ollama")),
        model=random.choice(("small", "middle", "large", "huge")),
        asked="fast",
        crossing="remote",
        session=f"session {session}",
        agent=("", "reviewer")[session % 2],
        caller=Caller(("vim", "code")[session // 2 % 2], 1, ("/work/a", "/work/b")[session // 4 % 2]),
        at=at,
    )
    return call, Outcome("ok", Usage(input_tokens=1000, output_tokens=100, total_cost_usd=0.001, model_calls=1))


async def _reads(ledger: Ledger, path: Path, count: int) -> None:
    rows = []
    with sqlite3.connect(path) as plain:
        for name, (params, keys) in _ASKED.items():
            seconds, cpu = [], []
            for _ in range(_TIMES):
                began, burnt = time.perf_counter(), time.process_time()
                found = await ledger.usage(params)
                seconds.append(time.perf_counter() - began)
                cpu.append(time.process_time() - burnt)
            p50, by_hand = percentile(cpu, 50), _by_hand(plain, keys)
            rows.append(
                (
                    name,
                    figure(len(from_json(found)["rows"])),
                    figure(percentile(seconds, 50) * 1e3, 1),
                    figure(p50 * 1e3, 1),
                    figure(by_hand * 1e3),
                    ratio(by_hand, p50),
                )
            )
    header = ("", "rows", "p50 ms", "CPU ms", "plain sqlite3 CPU ms", "times less")
    print_table(f"`usage` over {count:,} calls", header, rows)


def _by_hand(connection: sqlite3.Connection, keys: str) -> float:
    """The same sums of the calls themselves."""
    began = time.process_time()
    connection.execute(
        f"SELECT {keys}, COUNT(*), SUM(input_tokens), SUM(output_tokens), SUM(cached_tokens), SUM(reasoning_tokens),"
        f" SUM(cost_usd), SUM(estimated) FROM calls JOIN usage_keys ON usage_keys.id = keys GROUP BY {keys}"
    ).fetchall()
    return time.process_time() - began


async def _holds(ledger: Ledger) -> None:
    """Setting aside under budgets: one at a time, each waited for."""
    rows = []
    for name, limits in _LIMITS.items():
        seconds = []
        for _ in range(300):
            call = Call("r", "r", "turn", "openrouter", "large", "fast", "remote", at=_END - 1000.0)
            began = time.perf_counter()
            opened, breach = await ledger.hold(call, Usage(), Held(0.01, 1000), limits, limits)
            seconds.append(time.perf_counter() - began)
            assert breach is None
            await ledger.end(opened, None)
        rows.append((name, figure(percentile(seconds, 50) * 1e6), figure(percentile(seconds, 95) * 1e6)))
    print_table("Set aside for a call", ("", "p50 µs", "p95 µs"), rows)


_MODEL = (("model", "large"),)
_LIMITS: dict[str, list[Limit]] = {
    "a day": [Limit("a", "usd", 1e9, "day")],
    "a day, of one model": [Limit("a", "usd", 1e9, "day", _MODEL)],
    "a month": [Limit("a", "usd", 1e9, "month")],
    "all of them": [Limit("a", "usd", 1e9, period, _MODEL) for period in ("hour", "day", "month", "run")],
}


if __name__ == "__main__":
    main()
