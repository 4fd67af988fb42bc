"""The journal of runs, as the configuration file has it."""

from agentrouted.core.config.section import Count, Days, Section


class JournalSettings(Section):
    """What runs have done, kept on disk: they can be looked at again, and go on after a crash. Read at the start."""

    enabled: bool = True
    """`false` keeps runs in memory only, and forgets them with the daemon."""

    keep_days: Days = 7
    """Days that a run is kept after its end."""

    max_megabytes: Count = 256
    """Of all runs together; beyond it, those that ended first are forgotten."""
