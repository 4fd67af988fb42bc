"""The pieces of time that calls are summed by."""

from typing import Final

HOUR: Final = 3600
DAY: Final = 86400

# What `level` in `usage_sums` says.
BY_HOUR, BY_DAY, BY_SESSION = 0, 1, 2
