"""What a failed call tells of the endpoint that was asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agentrouted.core.errors import AgentroutedError, ProviderError
from agentrouted_protocol.errors import ErrorKind


@dataclass(frozen=True, slots=True)
class Fault:
    """What follows. Where all is False, the request itself is wrong, and is so everywhere."""

    passes: bool = False
    """In a moment, the same endpoint may answer."""

    elsewhere: bool = False
    """Another endpoint may answer at once."""

    counts: bool = False
    """It says how the endpoint does: several of them, and its circuit is opened."""


_NO_FAULT: Final = Fault()

_FAULTS: Final[Mapping[ErrorKind, Fault]] = {
    "providerUnreachable": Fault(passes=True, elsewhere=True, counts=True),
    "providerTimeout": Fault(elsewhere=True, counts=True),
    "rateLimited": Fault(passes=True, elsewhere=True, counts=True),
    "providerError": Fault(passes=True, elsewhere=True, counts=True),
    "responseTruncated": Fault(passes=True, elsewhere=True, counts=True),
    "responseInvalid": Fault(elsewhere=True),
    "quotaExceeded": Fault(elsewhere=True, counts=True),
    # With another endpoint, a wrong key would stay unnoticed.
    "providerAuth": Fault(counts=True),
}


def fault_of(error: AgentroutedError) -> Fault:
    if isinstance(error, ProviderError) and not error.is_server_fault:
        return _NO_FAULT
    return _FAULTS.get(error.kind, _NO_FAULT)
