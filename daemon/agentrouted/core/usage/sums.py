"""Sums of calls, brought up to date many calls at a time."""

import sqlite3
from typing import Final

from agentrouted.core.usage.periods import LEVELS, Level

COUNTS: Final = (
    "calls",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost_usd",
    "unpriced",
    "estimated",
    "errors",
    "cancelled",
    "local",
    "crossed",
)

# The same of one row of `calls`.
COUNTED: Final = (
    "1",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "COALESCE(cost_usd, 0.0)",
    "cost_usd IS NULL",
    "estimated",
    "status NOT IN ('ok', 'cancelled')",
    "status = 'cancelled'",
    "boundary = 'local'",
    "boundary = 'crossed'",
)

NOT_SUMMED: Final = "calls.id > (SELECT last_call FROM usage_summed)"
"""The calls that no sum has in it. Whoever asks for sums adds them."""

# So many calls are added together: most of them have the same row in each level.
_EVERY: Final = 64


def is_time_to_sum(last_call: int) -> bool:
    return last_call % _EVERY == 0


def sum_up(connection: sqlite3.Connection) -> None:
    """All calls until now are in the sums."""
    for addition in _ADDITIONS:
        connection.execute(addition)
    connection.execute("UPDATE usage_summed SET last_call = (SELECT COALESCE(MAX(id), 0) FROM calls)")


def _addition(level: Level) -> str:
    sums = ", ".join(f"SUM({counted})" for counted in COUNTED)
    name, keys = level.name or "''", "keys" if level.has_keys else "0"
    return (
        f"INSERT INTO usage_sums SELECT {level.number}, CAST(at / {level.unit} AS INTEGER) * {level.unit},"
        f" {name}, {keys}, {sums}"
        f" FROM calls JOIN usage_keys ON usage_keys.id = keys WHERE {NOT_SUMMED} GROUP BY 1, 2, 3, 4"
        f" ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in COUNTS)}"
    )


_ADDITIONS: Final = tuple(map(_addition, LEVELS))
