"""Everybody who follows a run, as one host."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agentrouted.core.errors import ToolFailed
from agentrouted.core.host import Host, HostGone
from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult, ToolCallParams, ToolCallResult
from agentrouted_protocol.events import Event

_Answer = TypeVar("_Answer")


class Audience:
    """A host made of hosts that come and go.

    Events go to all. A question goes to the first that takes such questions; if that one goes away before it answers,
    to the next. A run that goes on without its client (`stays`) waits for somebody to come; else nobody is a refusal.
    """

    def __init__(self, first: Host, *, stays: bool) -> None:
        self._hosts = [first]
        self._stays = stays
        self._came = asyncio.Event()
        self.waiting = 0
        """How many questions are open."""

    @property
    def ready(self) -> bool:
        return not self._hosts or any(host.ready for host in self._hosts)

    @property
    def takes_tools(self) -> bool:
        return self._stays or any(host.takes_tools for host in self._hosts)

    @property
    def takes_approvals(self) -> bool:
        return self._stays or any(host.takes_approvals for host in self._hosts)

    @property
    def is_empty(self) -> bool:
        return not self._hosts

    def add(self, host: Host) -> None:
        self._hosts.append(host)
        self._came.set()

    def replace(self, one: Host, other: Host) -> None:
        self._hosts = [other if host is one else host for host in self._hosts]

    def remove(self, host: Host) -> None:
        if host in self._hosts:
            self._hosts.remove(host)

    def emit(self, event: Event) -> None:
        for host in self._hosts:
            host.emit(event)

    async def call_tool(self, params: ToolCallParams, *, repeatable: bool = True) -> ToolCallResult:
        """Raises `HostGone` where the host went away, and another must not do it once more."""
        return await self._ask(lambda host: host.takes_tools, lambda host: host.call_tool(params), repeatable)

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        return await self._ask(lambda host: host.takes_approvals, lambda host: host.approve(params), True)

    async def _ask(
        self, takes: Callable[[Host], bool], ask: Callable[[Host], Awaitable[_Answer]], repeatable: bool
    ) -> _Answer:
        self.waiting += 1
        try:
            while True:
                host = await self._first(takes)
                try:
                    return await ask(host)
                except HostGone:
                    self.remove(host)
                    if not repeatable or not (self._stays or any(map(takes, self._hosts))):
                        raise
        finally:
            self.waiting -= 1

    async def _first(self, takes: Callable[[Host], bool]) -> Host:
        while True:
            for host in self._hosts:
                if takes(host):
                    return host
            if not self._stays:
                raise ToolFailed("no client is here to answer")
            self._came.clear()
            await self._came.wait()
