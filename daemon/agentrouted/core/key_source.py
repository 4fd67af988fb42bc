"""Keys that need work: where they are, and one fetched."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pydantic import SecretStr

from agentrouted_protocol.client_requests import SecretGetParams


@dataclass(frozen=True, slots=True)
class CommandKey:
    """A command writes it to its stdout."""

    argv: tuple[str, ...] = field(repr=False)
    timeout: float
    """Seconds that it may take."""

    refresh: float
    """Seconds until it is fetched anew; 0 is never."""


@dataclass(frozen=True, slots=True)
class KeyringKey:
    """An entry of the system's keyring."""

    service: str
    user: str
    timeout: float
    refresh: float


@dataclass(frozen=True, slots=True)
class ClientKey:
    """The client that began the run is asked for it."""

    provider: str
    host: str


KeySource = CommandKey | KeyringKey | ClientKey


@dataclass(frozen=True, slots=True)
class FetchedKey:
    """`forget` is to be called when the server refuses it: then it is fetched anew for the next call."""

    value: SecretStr
    forget: Callable[[], object]


AskClient = Callable[[SecretGetParams], Awaitable[FetchedKey | None]]
"""Asks the client of a run for a key. None where there is none, and where nobody answers."""
