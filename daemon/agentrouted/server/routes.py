"""Resolved routes as JSON, kept while the config is the same."""

from collections.abc import Coroutine
from typing import Any, Final

from pydantic_core import to_json

from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.routing.candidates import as_told
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.services import Services
from agentrouted_protocol.routing import ResolveModelParams

_KEPT: Final = 1024
_Question = tuple[str, str | None, tuple[str, ...], bool]


class RouteCache:
    """`resolve` and its JSON, once for each question and snapshot: editors ask the same thing at every keystroke.

    A question with a key in it is never kept.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._snapshot: Snapshot | None = None
        self._answers: dict[_Question, bytes] = {}

    def resolve(
        self, params: ResolveModelParams, *, folders: tuple[str, ...], asks_client: bool
    ) -> bytes | Coroutine[Any, Any, bytes]:
        """The answer if it is kept, else what finds it."""
        snapshot = self._services.config.current
        if snapshot is not self._snapshot or len(self._answers) >= _KEPT:
            self._snapshot, self._answers = snapshot, {}
        question = (params.model, params.base_url, folders, asks_client)
        kept = None if params.api_key else self._answers.get(question)
        return kept or self._answer(snapshot, self._answers, question, params.api_key)

    async def _answer(
        self, snapshot: Snapshot, answers: dict[_Question, bytes], question: _Question, api_key: str | None
    ) -> bytes:
        model, base_url, folders, asks_client = question
        resolution = resolve(snapshot, model, api_key=api_key, base_url=base_url, asks_client=asks_client)
        told = await as_told(resolution, snapshot.config.boundary_in(folders), self._services.prices)
        answer = to_json(told.to_route(), by_alias=True, exclude_none=True)
        if not api_key:
            answers[question] = answer
        return answer
