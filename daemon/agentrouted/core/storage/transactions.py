"""Many writes in one transaction, each failing alone."""

import itertools
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentrouted.core.storage.faults import is_busy

Operation = Callable[[sqlite3.Connection], Any]

# What an operation returned, or why it failed.
Outcome = tuple[Any, Exception | None]


@dataclass(frozen=True, slots=True)
class OneOfMany:
    """An operation that is done at once with those of its kind that come right before and after it."""

    together: Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
    item: Any

    def __call__(self, connection: sqlite3.Connection) -> Any:
        return self.together(connection, [self.item])[0]


def commit(
    connection: sqlite3.Connection, operations: Sequence[Operation], is_patient: Callable[[], bool] = lambda: False
) -> list[Outcome]:
    """Do all in one transaction; if one fails, each in its own. So an operation may be done twice, once undone.

    `is_patient` is asked when another process has had the file locked for long: whether to wait as long again.
    """
    try:
        return [(value, None) for value in _in_one(connection, operations, is_patient)]
    except Exception as error:  # noqa: BLE001 - goes to those who wait for the operations
        # Where not even the first could begin, trying each would wait once more for each.
        if len(operations) == 1 or is_busy(error):
            return [(None, error) for _ in operations]
    return [outcome for operation in operations for outcome in commit(connection, [operation], is_patient)]


def snapshot(connection: sqlite3.Connection, operation: Operation) -> Any:
    """All queries of the operation see the same moment."""
    connection.execute("BEGIN")
    try:
        return operation(connection)
    finally:
        _roll_back(connection)


def _in_one(
    connection: sqlite3.Connection, operations: Sequence[Operation], is_patient: Callable[[], bool]
) -> list[Any]:
    _begin(connection, is_patient)
    try:
        values = _values(connection, operations)
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise
    return values


def _values(connection: sqlite3.Connection, operations: Sequence[Operation]) -> list[Any]:
    values: list[Any] = []
    for together, alike in itertools.groupby(operations, _together):
        if together is None:
            values += [operation(connection) for operation in alike]
        else:
            values += together(connection, [operation.item for operation in alike if isinstance(operation, OneOfMany)])
    return values


def _together(operation: Operation) -> Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]] | None:
    return operation.together if isinstance(operation, OneOfMany) else None


def _begin(connection: sqlite3.Connection, is_patient: Callable[[], bool]) -> None:
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or not is_patient():
                raise


def _roll_back(connection: sqlite3.Connection) -> None:
    # After some errors, such as a full disk, SQLite has done so itself.
    if connection.in_transaction:
        connection.execute("ROLLBACK")
