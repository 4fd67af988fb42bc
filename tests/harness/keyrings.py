"""Keyrings for tests, behind the library's own door for backends."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend


class Entries(KeyringBackend):
    """Has these entries, by service and user."""

    priority = 1

    def __init__(self, entries: Mapping[tuple[str, str], str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._entries = entries

    def get_password(self, service: str, username: str) -> str | None:
        return self._entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("keys are only read")


@contextmanager
def keyring_in_use(backend: KeyringBackend) -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)
