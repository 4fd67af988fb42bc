"""The pieces of time that calls are summed by."""

from typing import Final

HOUR: Final = 3600
DAY: Final = 86400
SPAN: Final = 32 * DAY
"""For questions of a year: about a month, and always as long."""

# What `level` in `usage_sums` says.
BY_HOUR, BY_DAY, BY_SESSION, BY_SPAN = 0, 1, 2, 3
