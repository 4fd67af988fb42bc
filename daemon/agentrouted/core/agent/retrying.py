"""Whether an endpoint is asked again, and when."""

import random
from typing import Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import (
    AgentroutedError,
    ProviderAuth,
    ProviderError,
    ProviderUnreachable,
    ResponseInvalid,
    ResponseTruncated,
)
from agentrouted.core.faults import fault_of

LONGEST_WAIT: Final = 30.0
"""Seconds. A provider that asks for more is not waited for."""

_FIRST_WAIT: Final = 0.5

# What a server on this machine says while it loads a model, or has its hands full. Its other faults stay.
_BUSY: Final = frozenset({429, 503, 529})


def wait_before_again(error: AgentroutedError, asked: int, endpoint: Endpoint) -> float | None:
    """Seconds until the next try, after `asked` tries of which the last ended so; None where it would not help."""
    if _is_worth_it_at_once(error, endpoint):
        return 0.0 if asked == 1 else None
    if asked > endpoint.retries or not _passes(error, endpoint):
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_WAIT else None
    # Spread: runs that were refused together do not come back together.
    return _FIRST_WAIT * float(2 ** (asked - 1)) * random.uniform(0.5, 1.0)


def _is_worth_it_at_once(error: AgentroutedError, endpoint: Endpoint) -> bool:
    """Small models give an empty reply now and then; an engine that has just died is started anew, and a server that
    has just closed the connection it had kept open takes another. A key that was fetched may be newer by now."""
    if isinstance(error, ProviderUnreachable | ResponseTruncated):
        return endpoint.local
    if isinstance(error, ProviderAuth):
        return endpoint.forget_key is not None
    return isinstance(error, ResponseInvalid)


def _passes(error: AgentroutedError, endpoint: Endpoint) -> bool:
    if endpoint.local and isinstance(error, ProviderError):
        return error.provider is not None and error.provider.status in _BUSY
    return fault_of(error).passes
