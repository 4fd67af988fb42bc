"""How large a context Ollama is asked for."""

from typing import Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.answers import Answers
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import tokens_in
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.windows import AT_MOST_IN_OLLAMA, NOW_IN_OLLAMA, ask_window
from agentrouted_protocol.messages import TextPart

_REPLY: Final = 1024
"""Tokens that are left for a reply, where no `max_tokens` says otherwise."""

_IMAGE: Final = 1024
"""Tokens that an image may take."""

# Tokens are estimated from characters: code and most languages have more of them.
_SAFETY: Final = 1.25

# No Ollama takes less, unless it was told to.
_ALWAYS: Final = 4096


class OllamaWindows:
    """Another number makes the server load the model anew. So, where the config gives none (`context_window`), the
    model's present one stays for as long as the conversation fits; then it is doubled, up to what the model can take.
    """

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        # Other programs may have it loaded anew at any time.
        self._now: Answers[int] = Answers(fresh=10.0, fresh_if_none=1.0)
        self._at_most: Answers[int] = Answers(fresh=300.0, fresh_if_none=15.0)

    async def num_ctx(self, endpoint: Endpoint, request: ModelRequest) -> int | None:
        """Tokens; None leaves it to the server."""
        if endpoint.context_window is not None:
            return endpoint.context_window
        needed = int(tokens_in(request) * _SAFETY) + _images_in(request) * _IMAGE + (request.max_tokens or _REPLY)
        model = (endpoint.base_url, endpoint.model_id)
        now = await self._now.get(model, lambda: ask_window(self._http, endpoint, NOW_IN_OLLAMA))
        if needed <= (now or _ALWAYS):
            return now
        at_most = await self._at_most.get(model, lambda: ask_window(self._http, endpoint, AT_MOST_IN_OLLAMA))
        doubled = 1 << (needed - 1).bit_length()
        asked_for = min(doubled, at_most) if at_most else doubled
        # So it is loaded from now on: a shorter conversation beside this one is not to shrink it.
        self._now.put(model, asked_for)
        return asked_for


def _images_in(request: ModelRequest) -> int:
    parts = (part for message in request.messages if not isinstance(message.content, str) for part in message.content)
    return sum(not isinstance(part, TextPart) for part in parts)
