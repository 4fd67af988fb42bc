"""Hosts that write down."""

from collections.abc import Mapping
from typing import Any

from agentrouted.core.errors import ToolFailed
from agentrouted.core.key_source import FetchedKey
from agentrouted_protocol.client_requests import (
    Decision,
    SecretGetParams,
    ToolApproveParams,
    ToolApproveResult,
    ToolCallParams,
    ToolCallResult,
)
from agentrouted_protocol.events import Event


class WritingHost:
    """Keeps what it is told; answers tools with the text kept under their name, and approvals with `decisions`."""

    def __init__(
        self,
        tools: Mapping[str, str] | None = None,
        decisions: list[Decision] | None = None,
        edited: dict[str, Any] | None = None,
    ) -> None:
        self.events: list[Any] = []
        self.calls: list[ToolCallParams] = []
        self.ready = True
        self.takes_tools = True
        self.takes_approvals = True
        self.takes_secrets = False
        self._tools = tools or {}
        self._decisions = decisions or []
        self._edited = edited

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def emit(self, event: Event) -> None:
        self.events.append(event)

    async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
        self.calls.append(params)
        if params.name not in self._tools:
            raise ToolFailed("it broke")
        return ToolCallResult(content=self._tools[params.name])

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        if not self._decisions:
            raise ToolFailed("nobody decides")
        return ToolApproveResult(decision=self._decisions.pop(0), arguments=self._edited)

    async def get_secret(self, params: SecretGetParams) -> FetchedKey | None:
        return None
