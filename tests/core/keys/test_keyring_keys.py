"""Keys in the keyring, behind backends of its library."""

import sys
import threading

import pytest
from harness.keyrings import Entries, keyring_in_use
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoBackend
from keyring.errors import KeyringLocked

from agentrouted.core.key_source import KeyringKey
from agentrouted.core.keys.base import NoKey
from agentrouted.core.keys.keyring import key_of_keyring

ENTRIES = Entries({("agentrouted", "groq"): " k-1\n", ("agentrouted", "blank"): " "})


class Locked(Entries):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("it was dismissed sk-0123456789")


class Waiting(Entries):
    """For a person, who comes when `released` is set."""

    released = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.released.wait()
        return None


async def refusal(backend: KeyringBackend, user: str = "groq", timeout: float = 20) -> NoKey:
    with keyring_in_use(backend), pytest.raises(NoKey) as caught:
        await key_of_keyring(KeyringKey("agentrouted", user, timeout, 0))
    return caught.value


async def test_an_entry_is_the_key() -> None:
    with keyring_in_use(ENTRIES):
        key = await key_of_keyring(KeyringKey("agentrouted", "groq", 20, 0))
    assert key.get_secret_value() == "k-1"


@pytest.mark.parametrize("user", ["openai", "blank"])
async def test_a_missing_entry_is_told_with_the_command_that_makes_it(user: str) -> None:
    assert (await refusal(ENTRIES, user)).mend == f"run `keyring set agentrouted {user}`"


async def test_a_keyring_that_fails_is_told_without_keys() -> None:
    assert (await refusal(Locked({}))).why == "the keyring failed: KeyringLocked: it was dismissed [key]"


async def test_a_machine_without_a_keyring_is_told() -> None:
    assert "no keyring" in (await refusal(NoBackend())).why  # type: ignore[no-untyped-call]


async def test_a_missing_library_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(NoKey) as caught:
        await key_of_keyring(KeyringKey("agentrouted", "groq", 20, 0))
    assert caught.value.mend == "pip install 'agentrouted[keyring]'"


async def test_a_keyring_that_waits_for_a_person_is_waited_for_so_long() -> None:
    error = await refusal(Waiting({}), timeout=0.01)
    Waiting.released.set()
    assert error.why == "the keyring did not answer within 0.01 s"
