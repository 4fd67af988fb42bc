"""A key in the system's keyring."""

import asyncio

from pydantic import SecretStr

from agentrouted.core.key_source import KeyringKey
from agentrouted.core.keys.base import NoKey
from agentrouted.core.secrets import without_keys
from agentrouted.core.threads import in_thread


async def key_of_keyring(source: KeyringKey) -> SecretStr:
    """A keyring that is locked asks the person: that may take as long as `timeout` allows."""
    try:
        async with asyncio.timeout(source.timeout):
            found = await in_thread(lambda: _look_up(source.service, source.user))
    except TimeoutError:
        raise NoKey(f"the keyring did not answer within {source.timeout:g} s", "unlock it, and try again") from None
    if not found or not found.strip():
        raise NoKey(
            f"the keyring has no entry `{source.service}` for `{source.user}`",
            f"run `keyring set {source.service} {source.user}`",
        )
    return SecretStr(found.strip())


def _look_up(service: str, user: str) -> str | None:
    """Blocks: for the import, and for as long as a backend speaks with another process, or a person."""
    try:
        import keyring
        from keyring.errors import NoKeyringError
    except ImportError:
        raise NoKey("the library for the keyring is not installed", "pip install 'agentrouted[keyring]'") from None
    try:
        return keyring.get_password(service, user)
    except NoKeyringError:
        mend = "start one, such as GNOME Keyring or KWallet, or let a `command` give the key"
        raise NoKey("this machine has no keyring that can be used", mend) from None
    except Exception as error:  # noqa: BLE001 - each backend raises what the system below it raises
        said = without_keys(f"{type(error).__name__}: {error}")[:300]
        raise NoKey(f"the keyring failed: {said}", "`keyring get` in a terminal shows more") from None
