"""Whether a request has left us."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

WHEN_SENT: Final[ContextVar[Callable[[], object] | None]] = ContextVar("when_sent", default=None)
"""Is called when the request that is made in this context has been written: before that, nobody can bill it."""
