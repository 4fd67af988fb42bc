"""What tells calls apart, as rows of `usage_keys`."""

import sqlite3
from typing import Final

from agentrouted_protocol.usage import GroupKey

KEYS: Final[tuple[GroupKey, ...]] = ("provider", "model", "client", "workspace", "agent", "kind")
"""The columns, in order. What is not known, or makes no difference where the row is used, is empty."""

_FIND: Final = f"SELECT id FROM usage_keys WHERE {' AND '.join(f'{name} = ?' for name in KEYS)}"
_ADD: Final = f"INSERT INTO usage_keys ({', '.join(KEYS)}) VALUES (?, ?, ?, ?, ?, ?) RETURNING id"


def row_of(connection: sqlite3.Connection, values: tuple[str, ...]) -> int:
    """Its id; made where there is none."""
    found = connection.execute(_FIND, values).fetchone() or connection.execute(_ADD, values).fetchone()
    row: int = found[0]
    return row
