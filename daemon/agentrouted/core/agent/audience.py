"""Everybody who follows a run, as one host."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agentrouted.core.errors import ToolFailed
from agentrouted.core.host import Host, HostGone
from agentrouted.core.key_source import FetchedKey
from agentrouted_protocol.client_requests import (
    SecretGetParams,
    ToolApproveParams,
    ToolApproveResult,
    ToolCallParams,
    ToolCallResult,
)
from agentrouted_protocol.events import Event

_Answer = TypeVar("_Answer")


class Audience:
    """A host made of hosts that come and go.

    Events go to all. A question goes to the first that takes such questions; if that one goes away before it answers,
    to the next. In a run that goes on without its client (`stays`) it waits for the next to come, if there was one that
    takes such questions; else nobody is a refusal.
    """

    def __init__(self, first: Host, *, stays: bool) -> None:
        self._hosts: list[Host] = []
        self._stays = stays
        self._had_tools = False
        self._had_approvals = False
        self._came = asyncio.Event()
        self.waiting = 0
        """How many questions are open."""

        self.calling = 0
        """How many of them are calls of tools."""

        self.add(first)

    @property
    def ready(self) -> bool:
        return not self._hosts or any(host.ready for host in self._hosts)

    @property
    def takes_tools(self) -> bool:
        return any(host.takes_tools for host in self._hosts) or (self._stays and self._had_tools)

    @property
    def takes_approvals(self) -> bool:
        return any(host.takes_approvals for host in self._hosts) or (self._stays and self._had_approvals)

    @property
    def takes_secrets(self) -> bool:
        return any(host.takes_secrets for host in self._hosts)

    @property
    def is_empty(self) -> bool:
        return not self._hosts

    def add(self, host: Host) -> None:
        self._hosts.append(host)
        self._had_tools |= host.takes_tools
        self._had_approvals |= host.takes_approvals
        self._came.set()

    def replace(self, one: Host, other: Host) -> None:
        self.remove(one)
        self.add(other)

    def remove(self, host: Host) -> None:
        if host in self._hosts:
            self._hosts.remove(host)

    def dismiss(self) -> None:
        """Nobody is told anything any more."""
        self._hosts.clear()

    def emit(self, event: Event) -> None:
        for host in self._hosts:
            host.emit(event)

    async def call_tool(self, params: ToolCallParams, *, repeatable: bool = True) -> ToolCallResult:
        """Raises `HostGone` where the host went away, and another must not do it once more."""
        while True:
            host = await self._first(lambda host: host.takes_tools, lambda: self.takes_tools)
            self.calling += 1
            try:
                return await self._answer(host.call_tool(params))
            except HostGone:
                self.remove(host)
                if not (repeatable and self.takes_tools):
                    raise
            finally:
                self.calling -= 1

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        while True:
            host = await self._first(lambda host: host.takes_approvals, lambda: self.takes_approvals)
            try:
                return await self._answer(host.approve(params))
            except HostGone:
                self.remove(host)

    async def get_secret(self, params: SecretGetParams) -> FetchedKey | None:
        """Nobody is waited for: then there is none."""
        while host := next((host for host in self._hosts if host.takes_secrets), None):
            try:
                return await self._answer(host.get_secret(params))
            except HostGone:
                self.remove(host)
        return None

    async def _first(self, takes: Callable[[Host], bool], may_come: Callable[[], bool]) -> Host:
        while may_come():
            for host in self._hosts:
                if takes(host):
                    return host
            self._came.clear()
            await self._answer(self._came.wait())
        raise ToolFailed("no client is here to answer")

    async def _answer(self, waiting: Awaitable[_Answer]) -> _Answer:
        self.waiting += 1
        try:
            return await waiting
        finally:
            self.waiting -= 1
