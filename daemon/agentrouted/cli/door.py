"""Which daemon a command speaks to."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

from agentrouted_client import Client, DaemonGone
from agentrouted_client.client import Approve

CLIENT_NAME: Final = "agentrouted-cli"


@asynccontextmanager
async def daemon(approve: Approve | None = None) -> AsyncIterator[Client]:
    """The shared one if it is there, else one of our own: what a person sees is what an editor gets."""
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(Client.connect(client_name=CLIENT_NAME, approve=approve))
        except DaemonGone:
            client = await stack.enter_async_context(Client.spawn(client_name=CLIENT_NAME, approve=approve))
        yield client


def shared_daemon() -> AbstractAsyncContextManager[Client]:
    """The shared one, which is started if it is not there: it goes on without us."""
    return Client.connect(start=True, client_name=CLIENT_NAME)
