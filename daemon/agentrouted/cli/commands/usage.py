"""`agentrouted usage`: what model calls have used and cost."""

import argparse
import asyncio
import csv
import json
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final, get_args

from agentrouted.cli.door import daemon
from agentrouted.cli.terminal import Part, show, show_table
from agentrouted.cli.times import time_or_ago
from agentrouted_protocol.usage import BudgetState, GroupKey, UsageResult, UsageRow, UsageTotals

EXAMPLE = "agentrouted usage --since 7d --by model,day"

_KEYS: Final[tuple[GroupKey, ...]] = get_args(GroupKey)
_BARS: Final = "▁▂▃▄▅▆▇█"
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
# With what stands beside them, a line of 80 characters.
_MOST_DAYS: Final = 35
_COLUMNS: Final = ("calls", "in", "out", "cached", "cost", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", type=time_or_ago, help="a time such as 2026-01-31, or so long ago: 12h, 7d, 4w")
    parser.add_argument("--until", type=time_or_ago, help="the same; not included")
    parser.add_argument(
        "--by",
        type=_keys,
        action="extend",
        metavar="KEYS",
        help=f"what the rows are, some of {', '.join(_KEYS)}, with commas between; model by default",
    )
    parser.add_argument("--run", metavar="ID", help="of one run only, with the agents it has called")
    parser.add_argument("--session", metavar="ID", help="of one session only")
    parser.add_argument("--csv", action="store_true", help="print comma-separated values, for spreadsheets")


def run(arguments: argparse.Namespace) -> int:
    if arguments.csv and arguments.json:
        raise argparse.ArgumentError(None, "--csv and --json are two ways to print: name one")
    by: list[GroupKey] = ["model"] if arguments.by is None else arguments.by
    result, days = asyncio.run(_ask(arguments, by))
    if arguments.json:
        print(json.dumps(result.to_wire()))
    elif arguments.csv:
        _write_csv(by, result.rows if by else [result.totals])
    else:
        _show(by, result, days)
    return 0


def _keys(text: str) -> list[GroupKey]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in _KEYS]:
        raise argparse.ArgumentTypeError(f"there is no {unknown[0]!r}: one or more of {', '.join(_KEYS)}")
    return [key for name in names for key in _KEYS if key == name]


async def _ask(arguments: argparse.Namespace, by: list[GroupKey]) -> tuple[UsageResult, list[UsageRow]]:
    async with daemon() as client:
        asked = partial(
            client.usage,
            since=arguments.since,
            until=arguments.until,
            run_id=arguments.run,
            session_id=arguments.session,
        )
        is_shown = not (arguments.json or arguments.csv)
        return await asked(group_by=by), (await asked(group_by=["day"])).rows if is_shown else []


def _write_csv(by: Sequence[GroupKey], rows: Sequence[UsageTotals]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = [*by, *UsageTotals.model_fields]
    writer.writerow(names)
    writer.writerows([_cell(getattr(row, name)) for name in names] for row in rows)


def _cell(value: str | float | None) -> str | float | None:
    """Names are those that others have given: a spreadsheet must not take one for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


def _show(by: Sequence[GroupKey], result: UsageResult, days: Sequence[UsageRow]) -> None:
    rows = [(*(getattr(row, key) or "–" for key in by), *_figures(row)) for row in result.rows]
    names = [*by, *_COLUMNS]
    totals = (*(("total", *("" for _ in by[1:])) if by else ()), *_figures(result.totals))
    show_table([names, *rows, totals], range(len(by), len(names) - 1), has_head=True)
    if len(days) > 1:
        show()
        show(*_sparkline(days))
    if result.budgets:
        show()
        show_table([_budget(state) for state in result.budgets], {1, 2})


def _figures(row: UsageTotals) -> tuple[str, ...]:
    notes = {"unpriced": row.unpriced, "estimated": row.estimated, "failed": row.errors, "cancelled": row.cancelled}
    numbers = (row.calls, row.input_tokens, row.output_tokens, row.cached_tokens)
    said = ", ".join(f"{count} {name}" for name, count in notes.items() if count)
    return (*(f"{number:,}" for number in numbers), _dollars(row.cost_usd), said)


def _dollars(cost: float) -> str:
    if cost >= 1:
        return f"${cost:,.2f}"
    # What has cost something is not shown as free.
    return f"${cost:.4f}" if cost >= 0.0001 or cost == 0 else f"${cost:.2g}"


def _sparkline(rows: Sequence[UsageRow]) -> tuple[Part, ...]:
    """A bar for each day, those without a call too: dollars, or tokens where nothing has cost any."""
    last = date.fromisoformat(rows[-1].day or "")
    first = max(date.fromisoformat(rows[0].day or ""), last - timedelta(days=_MOST_DAYS - 1))
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    shown = [row for row in rows if row.day in days]
    costs = any(row.cost_usd for row in shown)
    values = {row.day: row.cost_usd if costs else row.input_tokens + row.output_tokens for row in shown}
    most = max(values.values()) or 1
    bars = "".join(_BARS[round(values[day] / most * (len(_BARS) - 1))] if values.get(day) else " " for day in days)
    top = _dollars(most) if costs else f"{most:,.0f} tokens"
    return f"{first}  ", (bars, "cyan"), f"  {last}, {top} at most"


def _budget(state: BudgetState) -> tuple[str, ...]:
    spent = state.spent + state.reserved
    if state.unit == "usd":
        amounts = f"{_dollars(spent)} of {_dollars(state.limit)}"
    else:
        amounts = f"{spent:,.0f} of {state.limit:,.0f} {state.unit}"
    # One that allows nothing is used up.
    share = spent / state.limit if state.limit else 1.0
    return (state.name, amounts, f"{share:.0%}", f"until {state.resets_at}" if state.resets_at else "")
