"""How large a context Ollama is asked for."""

from typing import Final

from agentrouted.core.endpoint import Endpoint
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


async def num_ctx(http: HttpClient, endpoint: Endpoint, request: ModelRequest) -> int | None:
    """Tokens; None leaves it to the server.

    Another number makes the server load the model anew. So, where the config gives none (`context_window`), the
    model's present one stays for as long as the conversation fits; then it is doubled, up to what the model can take.
    """
    if endpoint.context_window is not None:
        return endpoint.context_window
    needed = int(tokens_in(request) * _SAFETY) + _images_in(request) * _IMAGE + (request.max_tokens or _REPLY)
    now = await ask_window(http, endpoint, NOW_IN_OLLAMA)
    if needed <= (now or _ALWAYS):
        return now
    at_most = await ask_window(http, endpoint, AT_MOST_IN_OLLAMA)
    doubled = 1 << (needed - 1).bit_length()
    return min(doubled, at_most) if at_most else doubled


def _images_in(request: ModelRequest) -> int:
    parts = (part for message in request.messages if not isinstance(message.content, str) for part in message.content)
    return sum(not isinstance(part, TextPart) for part in parts)
