"""Sums of calls, brought up to date many calls at a time."""

import sqlite3
from collections.abc import Sequence
from functools import cache, partial
from operator import add, itemgetter
from typing import Any, Final

from agentrouted.core.usage.keys import KEYS, row_of
from agentrouted.core.usage.periods import HOUR, LEVELS

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

_NAMES: Final = (*KEYS, "session")

# They are summed up by hour first: every other level is made of hours. There may be a session for each call.
_NEW: Final = (
    f"SELECT CAST(at / {HOUR} AS INTEGER) * {HOUR}, '', {', '.join(_NAMES)},"
    f" {', '.join(f'SUM({counted})' for counted in COUNTED)}"
    f" FROM calls JOIN usage_keys ON usage_keys.id = keys WHERE {NOT_SUMMED} GROUP BY 1, keys"
)
_NEW_BY_SESSION: Final = f"{_NEW}, session"
_ADD: Final = (
    f"INSERT INTO usage_sums VALUES ({', '.join('?' * (4 + len(COUNTS)))})"
    f" ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in COUNTS)}"
)

# The keys of one of these, after its hour: what a level does not tell apart is the empty text before them.
_KEYS_OF: Final = {
    level: itemgetter(*(place if name in level.names else 0 for place, name in enumerate(_NAMES, 1)))
    for level in LEVELS
}
_FIRST_SUM: Final = 1 + len(_NAMES)


def is_time_to_sum(last_call: int) -> bool:
    return last_call % _EVERY == 0


def sum_up(connection: sqlite3.Connection) -> None:
    """All calls until now are in the sums."""
    new, by_session = connection.execute(_NEW).fetchall(), connection.execute(_NEW_BY_SESSION).fetchall()
    row_of_keys = cache(partial(row_of, connection))
    for level, keys_of in _KEYS_OF.items():
        sums = dict[tuple[int, Sequence[str]], Sequence[Any]]()
        for hour, *values in by_session if "session" in level.names else new:
            key, more = (hour // level.unit * level.unit, keys_of(values)), values[_FIRST_SUM:]
            sums[key] = [*map(add, sums[key], more)] if key in sums else more
        rows = [(level.number, start, keys[-1], row_of_keys(keys[:-1]), *each) for (start, keys), each in sums.items()]
        connection.executemany(_ADD, rows)
    connection.execute("UPDATE usage_summed SET last_call = (SELECT COALESCE(MAX(id), 0) FROM calls)")
