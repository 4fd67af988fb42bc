"""The ledger of calls, as the configuration file has it."""

from agentrouted.core.config.section import Days, Section


class LedgerSettings(Section):
    """Every model call, with its tokens and its cost."""

    keep_days: Days | None = None
    """Days that each call is kept by itself; for ever, if left out. Sums by hour and by day stay: see docs/usage.md."""
