"""Which key goes to an address, and where it was found."""

from collections.abc import Iterator

from pydantic import SecretStr

from agentrouted.core.config.describe import key_hint
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.errors import ConfigInvalid, InvalidParams
from agentrouted.core.routing.address import Address
from agentrouted.core.routing.providers import Provider
from agentrouted_protocol.routing import Auth, AuthSource

PLACEHOLDER = "no-key-needed"
"""Some servers want a key to be there, whatever it is."""

_Place = tuple[AuthSource, str, str]


def explicit_key(text: str | None) -> SecretStr | None:
    """The key that a caller gave; blank counts as not given."""
    key = (text or "").strip()
    if not _fits_a_header(key):
        raise InvalidParams(
            "`apiKey` has a character that no HTTP header can carry", hint="give the key as it was issued"
        )
    return SecretStr(key) if key else None


def explicit_auth(key: SecretStr) -> Auth:
    return Auth(source="param", hint=key_hint(key.get_secret_value()))


def stored_key(snapshot: Snapshot, owner: Provider | None, address: Address) -> tuple[SecretStr, Auth] | None:
    """The key that is kept for `address`, whose `owner` is the provider that is at home there."""
    for source, name, value in _places(snapshot, owner, address):
        if not (key := value.strip()):
            continue
        if not _fits_a_header(key):
            raise ConfigInvalid(
                f"the key in {name} has a character that no HTTP header can carry", hint="copy the key anew"
            )
        return SecretStr(key), Auth(source=source, name=name, hint=key_hint(key))
    return None


def no_key(owner: Provider | None) -> Auth:
    """There is none; how to mend it."""
    if owner is None:
        return Auth(source="none", hint="give `apiKey`, or add the server under `providers` with its `api_key`")
    page = f"; keys are made at {owner.keys_page}" if owner.keys_page else ""
    mend = f"set {owner.key_variables[-1]}, or write `{owner.keyfile_names[-1]}=<key>` into ~/.agentroute/config{page}"
    return Auth(source="none", hint=mend)


def _places(snapshot: Snapshot, owner: Provider | None, address: Address) -> Iterator[_Place]:
    """In order: the environment, the config, the key file by provider, the key file by host."""
    if owner:
        for variable in owner.key_variables:
            yield "env", variable, snapshot.environ.get(variable, "")
        if owner.settings and owner.settings.api_key:
            yield "config", f"providers.{owner.name}.api_key", owner.settings.api_key.get_secret_value()
        for entry in owner.keyfile_names:
            yield "config", f"keyfile.{entry}", snapshot.keyfile.get(entry, "")
    _, host, port = address.origin
    shown = f"[{host}]" if ":" in host else host
    for entry in (f"{shown}:{port}", shown):
        yield "config", f"keyfile.{entry}", snapshot.keyfile.get(entry, "")


def _fits_a_header(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key
