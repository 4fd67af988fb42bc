"""Keys in the keyring, behind backends of its library."""

import sys
import threading
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoBackend
from keyring.errors import KeyringLocked

from agentrouted.core.key_source import KeyringKey
from agentrouted.core.keys.base import NoKey
from agentrouted.core.keys.keyring import key_of_keyring


class Entries(KeyringBackend):
    """The one entry `agentrouted` of `groq`; whoever asks for `locked` finds it so, and for `slow` waits."""

    priority = 1
    released: threading.Event

    def get_password(self, service: str, username: str) -> str | None:
        if username == "locked":
            raise KeyringLocked("it was dismissed sk-0123456789")
        if username == "slow":
            self.released.wait()
        return {("agentrouted", "groq"): " k-1\n", ("agentrouted", "blank"): " "}.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("keys are read only")


@pytest.fixture(autouse=True)
def entries() -> Iterator[None]:
    before = keyring.get_keyring()
    Entries.released = threading.Event()
    keyring.set_keyring(Entries())  # type: ignore[no-untyped-call]
    yield
    Entries.released.set()
    keyring.set_keyring(before)


async def refusal(user: str, timeout: float = 20) -> NoKey:
    with pytest.raises(NoKey) as caught:
        await key_of_keyring(KeyringKey("agentrouted", user, timeout, 0))
    return caught.value


async def test_an_entry_is_the_key() -> None:
    key = await key_of_keyring(KeyringKey("agentrouted", "groq", 20, 0))
    assert key.get_secret_value() == "k-1"


@pytest.mark.parametrize("user", ["openai", "blank"])
async def test_a_missing_entry_is_told_with_the_command_that_makes_it(user: str) -> None:
    assert (await refusal(user)).mend == f"run `keyring set agentrouted {user}`"


async def test_a_keyring_that_fails_is_told_without_keys() -> None:
    assert (await refusal("locked")).why == "the keyring failed: KeyringLocked: it was dismissed [key]"


async def test_a_machine_without_a_keyring_is_told() -> None:
    keyring.set_keyring(NoBackend())  # type: ignore[no-untyped-call]
    assert "no keyring" in (await refusal("groq")).why


async def test_a_missing_library_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert (await refusal("groq")).mend == "pip install 'agentrouted[keyring]'"


async def test_a_keyring_that_waits_for_a_person_is_waited_for_so_long() -> None:
    assert (await refusal("slow", 0.01)).why == "the keyring did not answer within 0.01 s"
