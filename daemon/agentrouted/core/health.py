"""How endpoints have done lately: their speed, their faults."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError, ProviderAuth, ProviderTimeout, QuotaExceeded, RateLimited
from agentrouted.core.faults import fault_of

FAULTS: Final = 5
"""In a row: after so many the circuit is open."""

REST: Final = 30.0
"""Seconds for which an open circuit is left alone. Then one call tries it."""

_LONGEST_REST: Final = 600.0
_MEASURED_FOR: Final = 600.0
"""Seconds for which a measurement counts."""

_NEWEST: Final = 0.3
"""How much the newest measurement weighs beside those before it."""

_KEPT: Final = 1024

_Key = tuple[str, str, SecretStr | None, str | None]


@dataclass(slots=True)
class _Record:
    faults: int = 0
    rests_until: float = 0.0
    seconds: float | None = None
    measured_at: float = 0.0


class Health:
    """The circuit breakers, and the measured times until a reply begins; one record per address, model and key.

    Servers of this machine have no breaker, unless they hang: to ask them costs nothing, and they come back any moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: dict[_Key, _Record] = {}

    def answered(self, endpoint: Endpoint, seconds: float | None) -> None:
        """It gave a whole reply, which began after so many seconds."""
        record = self._record(endpoint)
        record.faults, record.rests_until = 0, 0.0
        if seconds is None:
            return
        before = self.seconds(endpoint)
        record.seconds = seconds if before is None else before + _NEWEST * (seconds - before)
        record.measured_at = self._clock()

    def failed(self, endpoint: Endpoint, error: AgentroutedError) -> None:
        """It did not. Only what tells of the endpoint itself counts."""
        if not _tells_of(endpoint, error):
            if self.is_open(endpoint):
                # If this was the call that tries it, it has not: the next one may.
                self._record(endpoint).rests_until = self._clock()
            return
        record = self._record(endpoint)
        record.faults += 1
        if record.faults >= FAULTS or isinstance(error, QuotaExceeded | RateLimited | ProviderAuth):
            rest = REST if error.retry_after is None else min(error.retry_after, _LONGEST_REST)
            record.rests_until = max(record.rests_until, self._clock() + rest)

    def is_open(self, endpoint: Endpoint) -> bool:
        """Whether its circuit is open: then nothing is gained by asking it twice."""
        return (record := self._records.get(_key(endpoint))) is not None and record.faults >= FAULTS

    def takes_calls(self, endpoint: Endpoint) -> bool:
        """Whether it is to be asked before others: it does not rest."""
        record = self._records.get(_key(endpoint))
        return record is None or self._clock() >= record.rests_until

    def is_asked(self, endpoint: Endpoint) -> None:
        """If its circuit is open and its rest over, this call tries it: others leave it alone until that is known."""
        if self.is_open(endpoint) and self.takes_calls(endpoint):
            self._record(endpoint).rests_until = self._clock() + REST

    def seconds(self, endpoint: Endpoint) -> float | None:
        """Until its replies began, lately."""
        record = self._records.get(_key(endpoint))
        if record is None or self._clock() - record.measured_at > _MEASURED_FOR:
            return None
        return record.seconds

    def _record(self, endpoint: Endpoint) -> _Record:
        key = _key(endpoint)
        if key not in self._records and len(self._records) >= _KEPT:
            self._records.pop(next(iter(self._records)))
        return self._records.setdefault(key, _Record())


def _key(endpoint: Endpoint) -> _Key:
    return endpoint.base_url, endpoint.model_id, endpoint.api_key, endpoint.account


def _tells_of(endpoint: Endpoint, error: AgentroutedError) -> bool:
    if endpoint.local:
        return isinstance(error, ProviderTimeout)
    if isinstance(error, ProviderAuth):
        # One of several accounts rests. Without others, the wrong key would be hidden by the next provider.
        return endpoint.account is not None
    return fault_of(error).counts
