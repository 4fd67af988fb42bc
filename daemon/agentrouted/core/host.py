"""The other side of a run, as the core sees it."""

from typing import Protocol

from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult, ToolCallParams, ToolCallResult
from agentrouted_protocol.events import Event


class Host(Protocol):
    """Whoever began the run: an editor on a connection, a Python program, a test that writes down.

    `emit` never waits. `ready` is False while the host has more unread than it should: text is then gathered into
    fewer, larger deltas. `call_tool` and `approve` raise `ToolFailed` when the host cannot or does not answer.
    """

    @property
    def ready(self) -> bool: ...

    def emit(self, event: Event) -> None: ...

    async def call_tool(self, params: ToolCallParams) -> ToolCallResult: ...

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult: ...


class SilentHost:
    """A host that hears nothing and has no tools."""

    ready = True

    def emit(self, event: Event) -> None:
        """Dropped: nobody listens."""

    async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
        return ToolCallResult(content=f"Error: nobody is here to run {params.name}", is_error=True)

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        return ToolApproveResult(decision="reject_once", message="nobody is here to approve it")
