"""Which daemon a command speaks to."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from agentrouted_client import Client, DaemonGone

CLIENT_NAME: Final = "agentrouted-cli"


@asynccontextmanager
async def daemon() -> AsyncIterator[Client]:
    """The shared one if it is there, else one of our own: what a person sees is what an editor gets."""
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(Client.connect(client_name=CLIENT_NAME))
        except DaemonGone:
            client = await stack.enter_async_context(Client.spawn(client_name=CLIENT_NAME))
        yield client
