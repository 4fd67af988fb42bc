"""The first and the last words of a connection."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from agentrouted_client.connection import Connection
from agentrouted_client.errors import ClientError, DaemonGone
from agentrouted_client.parsing import parse
from agentrouted_protocol.daemon import Advertised, ClientOptions
from agentrouted_protocol.version import PROTOCOL_VERSION, __version__

_SECONDS_TO_START = 30.0
_SECONDS_TO_SHUT_DOWN = 5.0


async def initialize(connection: Connection, options: ClientOptions) -> Advertised:
    """What the daemon can do. Raises `ClientError` if it speaks another version of the contract."""
    params = {
        "processId": os.getpid(),
        "rootUri": _working_folder(),
        "clientInfo": {"name": options.client_name, "version": __version__},
        "capabilities": {},
        "initializationOptions": {"agentrouted": options.to_wire()},
    }
    try:
        answer = await asyncio.wait_for(connection.request("initialize", params), _SECONDS_TO_START)
    except TimeoutError as error:
        raise DaemonGone(f"the daemon did not answer `initialize` within {_SECONDS_TO_START:.0f} seconds") from error
    connection.notify("initialized", {})
    advertised: Advertised = parse(Advertised, answer["capabilities"]["experimental"]["agentrouted"])
    if not advertised.min_protocol_version <= PROTOCOL_VERSION <= advertised.protocol_version:
        raise ClientError(
            f"the daemon speaks protocol version {advertised.protocol_version}, this client {PROTOCOL_VERSION}",
            "install the same version of both",
        )
    return advertised


def _working_folder() -> str | None:
    """Where this program works: budgets and boundaries of that folder hold for it."""
    try:
        return Path.cwd().as_uri()
    except OSError:
        # It is gone.
        return None


async def shut_down(connection: Connection) -> None:
    """Ends this connection in the way of LSP. A daemon that is gone, or does not listen, is left to its fate."""
    with suppress(ClientError, TimeoutError):
        await asyncio.wait_for(connection.request("shutdown", None), _SECONDS_TO_SHUT_DOWN)
        connection.notify("exit", None)
