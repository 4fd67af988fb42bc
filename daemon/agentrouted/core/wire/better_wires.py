"""Whether a server has more than OpenAI's format."""

import time
from collections.abc import Mapping
from typing import Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.question import Question, answer_to

# Seconds that an answer holds. What is not there yet may be started soon.
_FRESH: Final = 300.0
_FRESH_IF_NOT: Final = 15.0


class BetterWires:
    """Asks each server once in a while."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[float, bool]] = {}

    async def wire_of(self, endpoint: Endpoint, http: HttpClient) -> str:
        """`better_wire` if there is one and the server has it, else `wire`. Never raises."""
        if endpoint.better_wire is None or not await self._has(endpoint, _SIGNS[endpoint.better_wire], http):
            return endpoint.wire
        return endpoint.better_wire

    async def _has(self, endpoint: Endpoint, sign: Question, http: HttpClient) -> bool:
        asked_at, has = self._said.get(endpoint.base_url, (float("-inf"), False))
        if time.monotonic() - asked_at > (_FRESH if has else _FRESH_IF_NOT):
            has = await answer_to(http, endpoint, sign) is not None
            self._said[endpoint.base_url] = (time.monotonic(), has)
        return has


# By format, a question that only servers answer that have it.
_SIGNS: Final[Mapping[str, Question]] = {
    "ollama_chat": Question("GET", "/api/version", lambda document, _: document.get("version")),
}
