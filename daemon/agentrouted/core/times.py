"""Times as ISO 8601, and as seconds since 1970."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, overload

from agentrouted.core.errors import InvalidParams

_A_DAY: Final = 86_400


@overload
def seconds_of(text: str, name: str) -> float: ...
@overload
def seconds_of(text: str | None, name: str) -> float | None: ...
def seconds_of(text: str | None, name: str) -> float | None:
    """A time without a zone is UTC. Raises `InvalidParams` that says which field `name` it was."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        # In UTC, it may be in no year between 1 and 9999 any more.
        datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):
        raise InvalidParams(
            f"`{name}` is no time", hint="write it as ISO 8601, such as `2026-01-31T08:00:00Z`"
        ) from None
    return seconds


def text_of_time(seconds: float) -> str:
    """UTC, with as many digits after the second as it needs."""
    moment = datetime.fromtimestamp(seconds, UTC)
    digits = "microseconds" if moment.microsecond % 1000 else "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")


def optional_time(seconds: float | None) -> str | None:
    return None if seconds is None else text_of_time(seconds)


def day_in_words(seconds: float) -> str:
    """As people speak of a day, so that it is found by its words."""
    return _in_words(seconds // _A_DAY)


# Most of what comes is of a few days, and to spell one takes as long as all else that a message is found by.
@lru_cache(maxsize=32)
def _in_words(day: float) -> str:
    return datetime.fromtimestamp(day * _A_DAY, UTC).strftime("%A %d %B %Y")
