"""Resolved routes as JSON, kept while the config is the same."""

from typing import Final

from pydantic_core import to_json

from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.config.store import ConfigStore
from agentrouted.core.routing.resolve import resolve
from agentrouted_protocol.routing import ResolveModelParams

_KEPT: Final = 1024


class RouteCache:
    """`resolve` and its JSON, once for each question and snapshot: editors ask the same thing at every keystroke.

    A question with a key in it is never kept.
    """

    def __init__(self, config: ConfigStore) -> None:
        self._config = config
        self._snapshot: Snapshot | None = None
        self._answers: dict[tuple[str, str | None], bytes] = {}

    def resolve(self, params: ResolveModelParams) -> bytes:
        snapshot = self._config.current
        if snapshot is not self._snapshot or len(self._answers) >= _KEPT:
            self._snapshot = snapshot
            self._answers.clear()
        question = (params.model, params.base_url)
        if params.api_key is not None:
            return _answer(snapshot, params)
        if question not in self._answers:
            self._answers[question] = _answer(snapshot, params)
        return self._answers[question]


def _answer(snapshot: Snapshot, params: ResolveModelParams) -> bytes:
    resolution = resolve(snapshot, params.model, api_key=params.api_key, base_url=params.base_url)
    return to_json(resolution.to_route(), by_alias=True, exclude_none=True)
