"""What models last failed for that only their owner mends."""

import time
from dataclasses import dataclass
from typing import Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError

_LASTING: Final = frozenset({"outOfMemory", "contextTooSmall"})

# Seconds. Nothing tells when a server has been started with more.
_REMEMBERED: Final = 600.0


@dataclass(frozen=True, slots=True)
class Trouble:
    state: str
    mend: str | None
    seen_at: float


class Troubles:
    """Of models on this machine, until a call of them succeeds."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Trouble] = {}

    def note(self, endpoint: Endpoint, error: AgentroutedError) -> None:
        state = error.details.get("state") if error.details else None
        if endpoint.local and state in _LASTING:
            self._seen[_key(endpoint.provider, endpoint.model_id)] = Trouble(state, error.hint, time.monotonic())

    def forget(self, endpoint: Endpoint) -> None:
        self._seen.pop(_key(endpoint.provider, endpoint.model_id), None)

    def of(self, provider: str, model_id: str) -> Trouble | None:
        trouble = self._seen.get(_key(provider, model_id))
        return trouble if trouble and time.monotonic() - trouble.seen_at < _REMEMBERED else None


def _key(provider: str, model_id: str) -> tuple[str, str]:
    """Ollama takes a name without a tag for its `latest`."""
    return provider, model_id.removesuffix(":latest")
