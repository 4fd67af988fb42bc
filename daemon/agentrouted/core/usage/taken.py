"""What calls have taken: the next ones may take it, too."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import files_in, most_tokens_in
from agentrouted_protocol.messages import Usage


@dataclass(frozen=True, slots=True)
class Most:
    """Tokens that calls of one model have taken at most."""

    hidden: int = 0
    """Of a prompt, those that its text does not tell of."""

    reply: int = 0
    beyond: int = 0
    """A reply that was longer than it was allowed to be."""

    def __or__(self, other: "Most") -> "Most":
        return Most(max(self.hidden, other.hidden), max(self.reply, other.reply), max(self.beyond, other.beyond))


_NOTHING: Final = Most()
_HOUR: Final = 3600.0


class Taken:
    """By the models of this process, in this hour and the one before. An hour in which none is asked does not count.

    A provider may put words of its own around a prompt, and not every one holds its replies to a length. What happened
    once is not expected for ever.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hour_began = clock()
        self._before: dict[tuple[str, str], Most] = {}
        self._most: dict[tuple[str, str], Most] = {}

    def by(self, endpoint: Endpoint) -> Most:
        # Also where no call is made any more: one that took too much may be why there is no room for others.
        if (now := self._clock()) - self._hour_began >= _HOUR:
            self._before, self._most, self._hour_began = self._most, {}, now
        key = _key(endpoint)
        return self._before.get(key, _NOTHING) | self._most.get(key, _NOTHING)

    def learn(self, endpoint: Endpoint, request: ModelRequest, spent: Usage) -> None:
        # What images and files take is theirs alone.
        if spent.estimated or files_in(request):
            return
        key, reply = _key(endpoint), spent.output_tokens
        beyond = reply if reply > (request.max_tokens or reply) else 0
        now = Most(spent.input_tokens - most_tokens_in(request), reply, beyond)
        self._most[key] = self._most.get(key, _NOTHING) | now


def _key(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.base_url, endpoint.model_id
