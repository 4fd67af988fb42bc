"""The other side of a run, as the core sees it."""

from typing import Protocol

from agentrouted.core.errors import ToolFailed
from agentrouted.core.key_source import FetchedKey
from agentrouted_protocol.client_requests import (
    SecretGetParams,
    ToolApproveParams,
    ToolApproveResult,
    ToolCallParams,
    ToolCallResult,
)
from agentrouted_protocol.events import Event


class HostGone(ToolFailed):
    """The host went away before it answered: what was asked may have been done."""


class Host(Protocol):
    """Whoever began the run, or joined it: an editor on a connection, a Python program, a test that writes down.

    `emit` never waits. `ready` is False while the host has more unread than it should: text is then gathered into
    fewer, larger deltas. `call_tool`, `approve` and `get_secret` are asked only of a host that takes them; they raise
    `HostGone` when it went away, and the first two `ToolFailed` when it cannot or does not answer.
    """

    @property
    def ready(self) -> bool: ...

    @property
    def takes_tools(self) -> bool:
        """Whether it runs tools of its own."""

    @property
    def takes_approvals(self) -> bool:
        """Whether it can ask a person."""

    @property
    def takes_secrets(self) -> bool:
        """Whether it gives keys."""

    def emit(self, event: Event) -> None: ...

    async def call_tool(self, params: ToolCallParams) -> ToolCallResult: ...

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult: ...

    async def get_secret(self, params: SecretGetParams) -> FetchedKey | None:
        """None where there is no such key."""


class SilentHost:
    """A host that hears nothing and has no tools."""

    ready = True
    takes_tools = False
    takes_approvals = False
    takes_secrets = False

    def emit(self, event: Event) -> None:
        """Dropped: nobody listens."""

    async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
        raise ToolFailed(f"nobody is here to run {params.name}")

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        raise ToolFailed("nobody is here to approve it")

    async def get_secret(self, params: SecretGetParams) -> FetchedKey | None:
        return None
