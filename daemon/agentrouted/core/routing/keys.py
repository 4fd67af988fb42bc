"""Which key goes to an address, and where it was found."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import SecretStr

from agentrouted.core.config.api_key import KeyToFetch
from agentrouted.core.config.describe import key_hint
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.errors import ConfigInvalid, InvalidParams
from agentrouted.core.key_source import ClientKey, CommandKey, KeyringKey, KeySource
from agentrouted.core.routing.address import Address
from agentrouted.core.routing.providers import Provider
from agentrouted_protocol.routing import Auth, AuthSource


@dataclass(frozen=True, slots=True)
class Key:
    """A key, or where it is to be fetched from; and what may be told of it."""

    auth: Auth
    value: SecretStr | None = None
    source: KeySource | None = None
    account: str | None = None


# Some servers want a key to be there, whatever it is.
PLACEHOLDER = "no-key-needed"


def explicit_key(text: str | None) -> SecretStr | None:
    """The key that a caller gave; blank counts as not given."""
    key = (text or "").strip()
    if not _fits_a_header(key):
        raise InvalidParams(
            "`apiKey` has a character that no HTTP header can carry", hint="give the key as it was issued"
        )
    return SecretStr(key) if key else None


def given(key: SecretStr) -> Key:
    return Key(Auth(source="param", hint=key_hint(key.get_secret_value())), key)


def placeholder() -> Key:
    return Key(Auth(source="placeholder"), SecretStr(PLACEHOLDER))


def stored_keys(snapshot: Snapshot, owner: Provider | None, address: Address) -> tuple[Key, ...]:
    """What is kept for `address`, whose `owner` is the provider that is at home there.

    The first key that is found; and where the config has accounts of the owner, those that come after it.
    """
    places = _places(snapshot, owner, address)
    first = next(filter(None, map(_key_at, places)), None)
    if first is None:
        return ()
    later = (_key_at(place) for place in places if place.account)
    return (first, *(key for key in later if key and (key.value, key.source) != (first.value, first.source)))


def key_of_client(owner: Provider | None, address: Address) -> Key:
    """The client that has begun a run is asked for it; another one's host never under the owner's name."""
    source = ClientKey(owner.name if owner else address.host, _server(address))
    return Key(
        Auth(source="client", hint="this client is asked for it (`secret/get`) when a run needs it"), None, source
    )


def no_key(owner: Provider | None, address: Address) -> Key:
    """There is none; how to mend it."""
    if owner is None:
        line = f"`{_server(address)}=<key>` into ~/.agentroute/config"
        mend = f"give `apiKey`, add the server under `providers` with its `api_key`, or write {line}"
    else:
        page = f"; keys are made at {owner.keys_page}" if owner.keys_page else ""
        line = f"`{owner.keyfile_names[-1]}=<key>` into ~/.agentroute/config"
        variable = owner.key_variables[-1 if owner.keys_page else 0]
        mend = f"set {variable}, or write {line}{page}"
    return Key(Auth(source="none", hint=mend))


@dataclass(frozen=True, slots=True)
class _Place:
    source: AuthSource
    name: str
    kept: str | KeyToFetch = field(repr=False)
    account: str | None = None


def _places(snapshot: Snapshot, owner: Provider | None, address: Address) -> Iterator[_Place]:
    """In order: the environment, the config, the key file by provider, the key file by host."""
    if owner:
        for variable in owner.key_variables:
            yield _Place("env", variable, snapshot.environ.get(variable, ""))
        yield from _places_of_config(owner)
        for entry in owner.keyfile_names:
            yield _Place("config", f"keyfile.{entry}", snapshot.keyfile.get(entry, ""))
    for entry in _entries(address):
        yield _Place("config", f"keyfile.{entry}", snapshot.keyfile.get(entry, ""))


def _entries(address: Address) -> Iterator[str]:
    """Names under which the key file may have a host's key: without a port, it is meant for HTTPS as usual."""
    scheme, host, port = address.origin
    yield f"{_shown(host)}:{port}"
    if address.loopback or (scheme, port) == ("https", 443):
        yield _shown(host)


def _places_of_config(owner: Provider) -> Iterator[_Place]:
    settings = owner.settings
    if settings and settings.api_key:
        yield _Place("config", f"providers.{owner.name}.api_key", _kept(settings.api_key))
    for account, key in settings.accounts.items() if settings else ():
        yield _Place("config", f"providers.{owner.name}.accounts.{account}", _kept(key), account)


def _kept(key: SecretStr | KeyToFetch) -> str | KeyToFetch:
    return key if isinstance(key, KeyToFetch) else key.get_secret_value()


def _key_at(place: _Place) -> Key | None:
    if isinstance(place.kept, KeyToFetch):
        return _key_to_fetch(place, place.kept.source)
    if not (key := place.kept.strip()):
        return None
    if not _fits_a_header(key):
        raise ConfigInvalid(
            f"the key in {place.name} has a character that no HTTP header can carry", hint="copy the key anew"
        )
    auth = Auth(source=place.source, name=place.name, hint=key_hint(key))
    return Key(auth, SecretStr(key), account=place.account)


def _key_to_fetch(place: _Place, source: CommandKey | KeyringKey) -> Key:
    if isinstance(source, KeyringKey):
        hint = f"the entry `{source.service}` of `{source.user}` is read when a run needs it"
        auth = Auth(source="keyring", name=place.name, hint=hint)
    else:
        auth = Auth(source="config", name=place.name, hint=f"`{source.argv[0]}` is run when a run needs it")
    return Key(auth, None, source, place.account)


def _server(address: Address) -> str:
    """Host and port, as people write them."""
    scheme, host, port = address.origin
    return _shown(host) if (scheme, port) == ("https", 443) else f"{_shown(host)}:{port}"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _fits_a_header(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key
