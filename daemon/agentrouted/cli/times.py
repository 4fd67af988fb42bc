"""Times as a person says them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def time_of(text: str | None) -> str | None:
    """As ISO 8601, if it is so long ago."""
    if text is None or (ago := re.fullmatch(r"(\d{1,5})([hdw])", text)) is None:
        return text
    return (datetime.now(UTC) - int(ago[1]) * _UNITS[ago[2]]).isoformat(timespec="seconds")
