"""What comes while a connection waits for something."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from harness.peer import Peer, request

from agentrouted.server.link import Link
from agentrouted.server.rpc import Connection, feature_registry


class _Nobody:
    def initialize(self, params: Any) -> None:
        pass

    def closed(self) -> None:
        pass


def _fail() -> None:
    raise ValueError("a fault of ours")


@asynccontextmanager
async def waiting() -> AsyncIterator[tuple[Connection, asyncio.Future[None], Peer]]:
    """A connection that holds what comes until the future is done, and who is at its other end."""
    registry = feature_registry({"greet": lambda session, params: "Hello."}, {})
    connection = Connection(registry, Link(), lambda _: _Nobody(), b"{}")
    connection.link.attach(connection)
    ours, theirs = socket.socketpair()
    await asyncio.get_running_loop().create_connection(lambda: connection.link, sock=ours)
    peer = Peer(*await asyncio.open_connection(sock=theirs))
    peer.send(request(1, "initialize"))
    await peer.answer(1)
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    connection.hold_until(ready)
    try:
        yield connection, ready, peer
    finally:
        connection.close()
        await connection.link.wait_closed()
        peer.writer.close()


async def test_a_request_that_waits_is_answered_when_the_connection_is_closed() -> None:
    async with waiting() as (connection, _, peer):
        connection.link.data_received(request(2, "greet"))
        connection.close()
        assert (await peer.answer(2))["error"]["data"]["kind"] == "invalidRequest"


async def test_a_fault_in_what_has_waited_does_not_cost_what_came_after_it() -> None:
    async with waiting() as (connection, ready, peer):
        connection.in_turn(_fail)
        connection.link.data_received(request(2, "greet"))
        ready.set_result(None)
        assert (await peer.answer(2))["result"] == "Hello."


async def test_what_has_waited_for_something_that_failed_is_answered() -> None:
    async with waiting() as (connection, ready, peer):
        connection.link.data_received(request(2, "greet") + request(3, "greet"))
        ready.cancel()
        assert [(await peer.read())["id"] for _ in range(2)] == [2, 3]
