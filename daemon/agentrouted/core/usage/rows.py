"""Model calls as rows."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from agentrouted.core.usage.call import Call, Outcome
from agentrouted.core.usage.keys import row_of
from agentrouted.core.usage.sums import is_time_to_sum, sum_up
from agentrouted_protocol.messages import Usage

_COLUMNS: Final = (
    "at, keys, run_id, tree, session, process, asked, served, input_tokens, output_tokens, cached_tokens,"
    " reasoning_tokens, cost_usd, cost_source, estimated, latency, first_token, status, boundary"
)
_FORGOTTEN_AT_ONCE: Final = 5000
_INSERT: Final = f"INSERT INTO calls ({_COLUMNS}) VALUES ({', '.join('?' * 19)})"
OF_TREE: Final = "(run_id = ? OR (tree = ? AND tree != run_id))"
"""Calls of a run, and of those that it has begun. Only the latter are in the index of trees."""


def keys_of(connection: sqlite3.Connection, call: Call) -> int:
    """The row that names the provider, the model and so on of a call."""
    caller = call.caller
    return row_of(connection, (call.provider, call.model, caller.name, caller.workspace, call.agent, call.kind))


def insert_open(connection: sqlite3.Connection, id_: str, owner: str, call: Call, so_far: Usage) -> None:
    """A call that is under way. `so_far` is its bill if nothing more is heard of it."""
    keys = keys_of(connection, call)
    row = open_row(call, keys, so_far)
    connection.execute(
        "INSERT INTO open_calls VALUES (?, ?, ?, ?, ?, 0, 0, ?)", (id_, owner, call.at, keys, call.tree, row)
    )


def open_row(call: Call, keys: int, so_far: Usage) -> str:
    return json.dumps(_row(call, keys, Outcome("interrupted", so_far)))


def remove_open(connection: sqlite3.Connection, id_: str) -> None:
    connection.execute("DELETE FROM open_calls WHERE id = ?", (id_,))


def insert_ended(connection: sqlite3.Connection, call: Call, outcome: Outcome) -> None:
    _insert(connection, _row(call, keys_of(connection, call), outcome))


def owners(connection: sqlite3.Connection) -> list[str]:
    """Whose calls are under way."""
    return [name for (name,) in connection.execute("SELECT DISTINCT owner FROM open_calls")]


def interrupt(connection: sqlite3.Connection, gone: Iterable[str]) -> None:
    """What was under way in these processes has ended with them."""
    for owner in gone:
        rows = connection.execute("DELETE FROM open_calls WHERE owner = ? RETURNING row", (owner,)).fetchall()
        for (row,) in rows:
            _insert(connection, json.loads(row))


def forget_older(connection: sqlite3.Connection, than: float) -> None:
    """Calls that began before `than` and are in the sums, some at a time. The last that is summed up stays."""
    connection.execute(
        "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE at < ?"
        " AND id < (SELECT last_call FROM usage_summed) ORDER BY at LIMIT ?)",
        (than, _FORGOTTEN_AT_ONCE),
    )


def _row(call: Call, keys: int, outcome: Outcome) -> tuple[Any, ...]:
    usage = outcome.usage
    return (
        call.at,
        keys,
        call.run_id,
        call.tree,
        call.session,
        call.caller.process,
        call.asked,
        outcome.served,
        usage.input_tokens if usage else 0,
        usage.output_tokens if usage else 0,
        usage.cached_tokens if usage else 0,
        usage.reasoning_tokens if usage else 0,
        usage.total_cost_usd if usage else 0.0,
        usage.cost_source if usage else "",
        usage.estimated if usage else False,
        outcome.latency,
        outcome.first_token,
        outcome.status,
        call.crossing,
    )


def _insert(connection: sqlite3.Connection, row: Sequence[Any]) -> None:
    added = connection.execute(_INSERT, row)
    if is_time_to_sum(added.lastrowid or 0):
        sum_up(connection)
