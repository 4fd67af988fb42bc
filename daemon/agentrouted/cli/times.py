"""Times as a person says them, for argparse."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Final

from agentrouted.core.errors import InvalidParams
from agentrouted.core.times import seconds_of

_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def time(text: str) -> str:
    """One in ISO 8601, as it is."""
    try:
        seconds_of(text, "")
    except InvalidParams:
        raise ArgumentTypeError(f"{text!r} is no time: write it like 2026-01-31, or 2026-01-31T08:00:00Z") from None
    return text


def time_or_ago(text: str) -> str:
    """In ISO 8601; or so long ago: `12h`, `7d`, `4w`."""
    if ago := re.fullmatch(r"(\d{1,5})([hdw])", text):
        return (datetime.now(UTC) - int(ago[1]) * _UNITS[ago[2]]).isoformat(timespec="seconds")
    return time(text)
