"""Retention, cursors and times, the same in every journal."""

from dataclasses import dataclass
from datetime import UTC, datetime

from agentrouted.core.errors import InvalidParams


@dataclass(frozen=True, slots=True)
class Retention:
    """How long ended runs are kept, and how many."""

    seconds: float
    max_bytes: int


def cursor_number(cursor: str | None) -> int | None:
    """Where a page begins."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise InvalidParams("`cursor` is not from a page of runs", hint="pass on `nextCursor` as it is")
    return int(cursor)


def iso_time(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
