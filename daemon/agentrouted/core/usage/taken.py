"""What calls have taken, as told: the next ones will, too."""

from dataclasses import dataclass
from typing import Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import most_tokens_in
from agentrouted_protocol.messages import TextPart, Usage


@dataclass(frozen=True, slots=True)
class Most:
    """Tokens that calls of one model have taken at most."""

    hidden: int = 0
    """Of a prompt, those that its text does not tell of."""

    reply: int = 0
    beyond: int = 0
    """A reply that was longer than it was allowed to be."""


_NOTHING: Final = Most()


class Taken:
    """By the models of this process, since it began.

    A provider may put words of its own around a prompt, and not every one holds its replies to a length.
    """

    def __init__(self) -> None:
        self._most: dict[tuple[str, str], Most] = {}

    def by(self, endpoint: Endpoint) -> Most:
        return self._most.get(_key(endpoint), _NOTHING)

    def learn(self, endpoint: Endpoint, request: ModelRequest, spent: Usage) -> None:
        if spent.estimated or _has_files(request):
            return
        most, reply = self.by(endpoint), spent.output_tokens
        self._most[_key(endpoint)] = Most(
            hidden=max(most.hidden, spent.input_tokens - most_tokens_in(request)),
            reply=max(most.reply, reply),
            beyond=max(most.beyond, reply) if reply > (request.max_tokens or reply) else most.beyond,
        )


def _key(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.base_url, endpoint.model_id


def _has_files(request: ModelRequest) -> bool:
    """Or images: what they take is theirs alone."""
    parts = (part for message in request.messages if not isinstance(message.content, str) for part in message.content)
    return not all(isinstance(part, TextPart) for part in parts)
