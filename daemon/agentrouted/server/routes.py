"""Resolved routes as JSON, kept while the config is the same."""

import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from pydantic_core import to_json

from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.routing.candidates import as_told
from agentrouted.core.routing.resolve import Resolution, resolve
from agentrouted.core.services import Services
from agentrouted_protocol.routing import ResolveModelParams

_KEPT: Final = 1024
_FRESH: Final = 60.0
"""Seconds. Some prices change by the hour."""

_Question = tuple[str, str | None, tuple[str, ...], bool]


class RouteCache:
    """`resolve` and its JSON, once for each question and snapshot: editors ask the same thing at every keystroke.

    A question with a key in it is never kept.
    """

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._clock = clock
        self._snapshot: Snapshot | None = None
        self._since = 0.0
        self._answers: dict[_Question, bytes] = {}

    def resolve(
        self, params: ResolveModelParams, *, folders: tuple[str, ...], asks_client: bool
    ) -> bytes | Coroutine[Any, Any, bytes]:
        """The answer, or what finds it where the table of prices is not loaded yet."""
        snapshot = self._services.config.current
        self._forget_what_is_old(snapshot)
        question = (params.model, params.base_url, folders, asks_client)
        if not params.api_key and (kept := self._answers.get(question)):
            return kept
        here = snapshot.in_folders(folders)
        resolution = resolve(
            here, params.model, api_key=params.api_key, base_url=params.base_url, asks_client=asks_client
        )
        if not self._services.prices.has(each.endpoint for each in resolution.endpoints):
            return self._answer_later(here, folders, resolution)
        answer = self._answer(here, folders, resolution)
        if not params.api_key:
            self._answers[question] = answer
        return answer

    def _forget_what_is_old(self, snapshot: Snapshot) -> None:
        now = self._clock()
        if snapshot is not self._snapshot or now - self._since > _FRESH or len(self._answers) >= _KEPT:
            self._snapshot, self._since, self._answers = snapshot, now, {}

    def _answer(self, snapshot: Snapshot, folders: tuple[str, ...], resolution: Resolution) -> bytes:
        told = as_told(resolution, snapshot.config.boundary_in(folders), self._services.prices)
        return to_json(told.to_route(), by_alias=True, exclude_none=True)

    async def _answer_later(self, snapshot: Snapshot, folders: tuple[str, ...], resolution: Resolution) -> bytes:
        await self._services.prices.load(each.endpoint for each in resolution.endpoints)
        return self._answer(snapshot, folders, resolution)
