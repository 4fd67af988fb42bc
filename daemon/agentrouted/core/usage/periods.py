"""The pieces of time that calls are summed by."""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

from agentrouted.core.usage.keys import KEYS
from agentrouted_protocol.usage import GroupKey

HOUR: Final = 3600
DAY: Final = 86400
SPAN: Final = 32 * DAY
"""For questions of a year: about a month, and always as long."""

EVER: Final = 10**11 // SPAN * SPAN
"""No call is later."""


@dataclass(frozen=True, slots=True)
class Level:
    """Sums of all calls, one row for each piece of time and for each combination of some keys in it."""

    number: int
    """As `usage_sums` has it: never changed."""

    unit: int
    """Seconds that a row is for."""

    names: frozenset[GroupKey]
    """The keys: in its rows the others are empty."""


BY_HOUR: Final = Level(0, HOUR, frozenset(KEYS))
BY_DAY: Final = Level(1, DAY, frozenset(KEYS))
BY_SPAN: Final = Level(3, SPAN, frozenset(KEYS))
BY_SESSION: Final = Level(2, DAY, frozenset((*KEYS, "session")))

# By one key or two: few rows, however many ways there are to put all of them together. Those by session are for all
# time, as one may go on for months; and by session and model only, as each row more is written with every new session.
_FEW: Final = (*combinations((*KEYS, "session"), 1), *combinations((*KEYS, "session"), 2))
BY_FEW: Final = {
    frozenset(names): Level(number, EVER if "session" in names else DAY, frozenset[GroupKey](names))
    for number, names in enumerate(_FEW, 4)
    if "session" not in names or names in (("session",), ("model", "session"))
}
BY_SESSION_ONLY: Final = Level(32, DAY, frozenset({"session"}))

LEVELS: Final = (BY_HOUR, BY_DAY, BY_SPAN, BY_SESSION, *BY_FEW.values(), BY_SESSION_ONLY)
