"""`--pipe` and `--socket`: the client listens."""

import asyncio

from agentrouted.core.errors import ProviderUnreachable
from agentrouted.server.link import Link


async def dial_pipe(link: Link, name: str) -> None:
    """A Unix socket that the client listens on."""
    try:
        await asyncio.get_running_loop().create_unix_connection(lambda: link, name)
    except OSError as error:
        raise ProviderUnreachable(f"no client listens at --pipe={name}: {error.strerror or error}") from error


async def dial_port(link: Link, port: int) -> None:
    """A TCP port on this machine that the client listens on."""
    try:
        await asyncio.get_running_loop().create_connection(lambda: link, "127.0.0.1", port)
    except (OSError, OverflowError) as error:
        raise ProviderUnreachable(f"no client listens at --socket={port}: {error}") from error
