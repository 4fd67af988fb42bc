"""Whether a server has more than OpenAI's format."""

from collections.abc import Mapping
from typing import Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.answers import Answers
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.question import Question, answer_to


class BetterWires:
    """Asks each server once in a while."""

    def __init__(self) -> None:
        self._versions: Answers[str] = Answers(fresh=300.0, fresh_if_none=15.0)

    async def wire_of(self, endpoint: Endpoint, http: HttpClient) -> str:
        """`better_wire` if there is one and the server has it, else `wire`. Never raises."""
        better = endpoint.better_wire
        if better is None:
            return endpoint.wire
        has = await self._versions.get(endpoint.base_url, lambda: answer_to(http, endpoint, _SIGNS[better]))
        return endpoint.wire if has is None else better


# By format, a question that only servers answer that have it.
_SIGNS: Final[Mapping[str, Question]] = {
    "ollama_chat": Question("GET", "/api/version", lambda document, _: document.get("version")),
}
