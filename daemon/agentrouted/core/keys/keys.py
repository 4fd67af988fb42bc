"""Gives endpoints their keys, from whatever source."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import ProviderAuth
from agentrouted.core.key_source import AskClient, ClientKey, CommandKey, FetchedKey, KeyringKey, KeySource
from agentrouted.core.keys.base import KeptKeys, NoKey
from agentrouted.core.keys.command import key_of_command
from agentrouted.core.keys.keyring import key_of_keyring
from agentrouted.core.wire.base import Chunk
from agentrouted_protocol.client_requests import SecretGetParams


@dataclass(frozen=True, slots=True)
class Keys:
    """Keeps what commands and the keyring gave, for all runs. What a client gave is kept by its connection."""

    home: Path | None = None
    """Where commands are started."""

    _kept: KeptKeys = field(default_factory=KeptKeys)

    async def given(self, endpoint: Endpoint, ask_client: AskClient | None) -> Endpoint:
        """The endpoint with its key; without one where a client has none to give. Raises ProviderAuth."""
        if endpoint.key_source is None:
            return endpoint
        try:
            key = await self._fetched(endpoint.key_source, ask_client)
        except NoKey as error:
            # Anew for each run: what is raised in a run gets that run's bill.
            raise ProviderAuth(f"the key of {endpoint.owner} cannot be had: {error.why}", hint=error.mend) from None
        return replace(endpoint, api_key=key.value, forget_key=key.forget) if key else endpoint

    async def _fetched(self, source: KeySource, ask_client: AskClient | None) -> FetchedKey | None:
        match source:
            case CommandKey():
                return await self._kept.get(source, lambda: key_of_command(source, self.home), source.refresh)
            case KeyringKey():
                return await self._kept.get(source, lambda: key_of_keyring(source), source.refresh)
            case ClientKey():
                question = SecretGetParams(provider=source.provider, host=source.host)
                return await ask_client(question) if ask_client else None


async def forgetting_refused(
    batches: AsyncGenerator[Sequence[Chunk], None], forget: Callable[[], object]
) -> AsyncGenerator[Sequence[Chunk], None]:
    """The same; the key is forgotten if the server refuses it."""
    try:
        async with aclosing(batches):
            async for batch in batches:
                yield batch
    except ProviderAuth:
        forget()
        raise
