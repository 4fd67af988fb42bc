"""The pieces of time that calls are summed by."""

from dataclasses import dataclass
from typing import Final

from agentrouted_protocol.usage import GroupKey

HOUR: Final = 3600
DAY: Final = 86400
SPAN: Final = 32 * DAY
"""For questions of a year: about a month, and always as long."""


@dataclass(frozen=True, slots=True)
class Level:
    """Sums of all calls, one row for each piece of time and for whatever else tells calls apart in them."""

    number: int
    """As `usage_sums` has it: never changed."""

    unit: int
    """Seconds that a row is for."""

    name: GroupKey | None = None
    """What tells rows apart by name."""

    has_keys: bool = True
    """Whether rows are told apart by all that is in `usage_keys`."""


BY_HOUR: Final = Level(0, HOUR)
BY_DAY: Final = Level(1, DAY)
BY_SPAN: Final = Level(3, SPAN)
BY_SESSION: Final = Level(2, DAY, "session")

# By one of them only: few rows, however many ways there are to put them together.
BY_ONE: Final[dict[GroupKey, Level]] = {
    "provider": Level(4, DAY, "provider", has_keys=False),
    "model": Level(5, DAY, "model", has_keys=False),
    "client": Level(6, DAY, "client", has_keys=False),
    "workspace": Level(7, DAY, "workspace", has_keys=False),
    "agent": Level(8, DAY, "agent", has_keys=False),
    "kind": Level(9, DAY, "kind", has_keys=False),
    "session": Level(10, DAY, "session", has_keys=False),
}

LEVELS: Final = (BY_HOUR, BY_DAY, BY_SPAN, BY_SESSION, *BY_ONE.values())
