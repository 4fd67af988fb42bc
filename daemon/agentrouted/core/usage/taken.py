"""What calls have taken, as told: the next ones will, too."""

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import most_tokens_in
from agentrouted_protocol.messages import TextPart, Usage


class Taken:
    """By the models of this process, since it began.

    A provider may put words of its own around a prompt, and not every one holds its replies to a length.
    """

    def __init__(self) -> None:
        self._hidden: dict[tuple[str, str], int] = {}
        self._reply: dict[tuple[str, str], int] = {}

    def hidden(self, endpoint: Endpoint) -> int:
        """Tokens of a prompt that its text does not tell of, at most."""
        return self._hidden.get(_key(endpoint), 0)

    def longest_reply(self, endpoint: Endpoint) -> int:
        """Tokens."""
        return self._reply.get(_key(endpoint), 0)

    def learn(self, endpoint: Endpoint, request: ModelRequest, spent: Usage) -> None:
        if spent.estimated or _has_files(request):
            return
        key = _key(endpoint)
        self._hidden[key] = max(self.hidden(endpoint), spent.input_tokens - most_tokens_in(request))
        self._reply[key] = max(self.longest_reply(endpoint), spent.output_tokens)


def _key(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.base_url, endpoint.model_id


def _has_files(request: ModelRequest) -> bool:
    """Or images: what they take is theirs alone."""
    parts = (part for message in request.messages if not isinstance(message.content, str) for part in message.content)
    return not all(isinstance(part, TextPart) for part in parts)
