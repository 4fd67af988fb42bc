"""A provider: its row, and what the config says of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from agentrouted.core.config.provider import Provider as Settings
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.errors import ConfigInvalid
from agentrouted.core.routing.address import Address, BadAddress, Origin, embedded, read_address
from agentrouted.core.routing.ollama_host import ollama_url
from agentrouted.core.routing.vendors import LOCAL_KINDS, OPENROUTER, VENDORS, LocalKind, Vendor


@dataclass(frozen=True, slots=True)
class Provider:
    """Who answers at an address, and where the keys for that address are kept."""

    name: str
    address: Address | None
    """None for the embedded engine, where each model has its own."""

    address_from: str
    """What says so, for the trace."""

    settings: Settings | None = field(default=None, repr=False)
    key_variables: tuple[str, ...] = ()
    keyfile_names: tuple[str, ...] = ()
    keys_page: str | None = None
    forwards: bool = False
    """A gateway: what is sent there goes on to elsewhere, even if it runs on this machine."""

    def address_of(self, model_id: str) -> Address:
        return self.address or embedded(model_id)

    def is_at(self, address: Address) -> bool:
        """True if `address` is this provider's own, so that its keys and headers may be sent there."""
        own = self.address
        if own is None or address.origin == own.origin:
            return own is not None
        return self.name in LOCAL_KINDS and own.loopback and address.loopback


def direct_provider(snapshot: Snapshot, name: str) -> Provider | None:
    """The provider that `<name>/<model>` leads to; None where a hosted one was not asked for by the user."""
    row = name.casefold()
    if row in LOCAL_KINDS or _settings(snapshot, row) or _is_default(snapshot, row):
        return provider_named(snapshot, name)
    variables = (key_variable(row), _bitrouter_variable(row))
    if row in VENDORS and any(snapshot.environ.get(variable, "").strip() for variable in variables):
        return provider_named(snapshot, name)
    return None


def provider_named(snapshot: Snapshot, name: str) -> Provider | None:
    """Any provider that is known: a local kind, a vendor, or one of the config."""
    row = name.casefold()
    named = _settings(snapshot, row)
    name, settings = named or (row, None)
    if kind := LOCAL_KINDS.get(row):
        return _local(snapshot, kind, settings)
    vendor = VENDORS.get(row)
    if vendor:
        name = vendor.name
    elif named is None:
        return None
    address, source = _hosted_address(snapshot, name, settings)
    return Provider(
        name=name,
        address=address,
        address_from=source,
        settings=settings,
        key_variables=(key_variable(row), _bitrouter_variable(row), *(vendor.key_variables if vendor else ())),
        keyfile_names=(*(("api_key",) if vendor is OPENROUTER else ()), f"{row}_api_key"),
        keys_page=vendor.keys_page if vendor else None,
    )


def owner_of(snapshot: Snapshot, address: Address) -> Provider | None:
    """The configured provider or vendor whose own address has the same scheme, host and port."""
    at_home = _vendors_by_origin().get(address.origin)
    for name in (*snapshot.config.providers, *([at_home] if at_home else [])):
        if name.casefold() in LOCAL_KINDS:
            continue
        try:
            known = provider_named(snapshot, name)
        except ConfigInvalid:
            # It is told to whoever asks for that provider.
            continue
        if known and known.is_at(address):
            return known
    return None


@cache
def _vendors_by_origin() -> Mapping[Origin, str]:
    return {read_address(vendor.base_url).origin: vendor.name for vendor in VENDORS.values() if vendor.base_url}


def key_variable(name: str) -> str:
    """The environment variable that makes a hosted provider a direct route."""
    return f"AGENTROUTE_{re.sub('[^A-Z0-9]', '_', name.upper())}_API_KEY"


def _bitrouter_variable(name: str) -> str:
    """The same, as those who come from BitRouter have it."""
    return key_variable(name).replace("AGENTROUTE", "BITROUTER", 1)


def read_setting(text: str, source: str) -> Address:
    """An address that stands in the environment or in a file, under the name `source`."""
    try:
        return read_address(text)
    except BadAddress as error:
        raise ConfigInvalid(f"{source} is not an address: {error.reason}", hint=error.mend) from error


def with_version(address: Address) -> Address:
    """Local servers have their API under /v1; an address that says nothing means that."""
    return address if address.path else Address(f"{address.url}/v1", address.origin, "/v1")


def _local(snapshot: Snapshot, kind: LocalKind, settings: Settings | None) -> Provider:
    address, source = _local_address(snapshot, kind, settings)
    return Provider(
        name=kind.name,
        address=address,
        address_from=source,
        settings=settings,
        key_variables=(*kind.key_variables, "LOCAL_LLM_API_KEY") if address else (),
        keyfile_names=(f"{kind.name}_api_key",) if address else (),
    )


def _local_address(snapshot: Snapshot, kind: LocalKind, settings: Settings | None) -> tuple[Address | None, str]:
    variables = (*kind.base_variables, "LOCAL_LLM_BASE_URL") if kind.base_url else ()
    for variable in variables:
        if value := snapshot.environ.get(variable, "").strip():
            url = ollama_url(value) if variable == "OLLAMA_HOST" else value
            return with_version(read_setting(url, variable)), variable
    if configured := _configured_address(snapshot, kind.name, settings):
        return with_version(configured[0]), configured[1]
    return (read_address(kind.base_url) if kind.base_url else None), "its default"


def _hosted_address(snapshot: Snapshot, name: str, settings: Settings | None) -> tuple[Address, str]:
    vendor = VENDORS.get(name)
    if configured := _configured_address(snapshot, name, settings) or _vendors_variable(snapshot, vendor):
        return _completed(configured[0], vendor), configured[1]
    if vendor and vendor.base_url:
        return read_address(vendor.base_url), "its default"
    mend = f"write its `api_base` under `providers.{name}`"
    if vendor and vendor.base_form:
        mend += f", such as `{vendor.base_form}` (see {vendor.docs_page})"
    raise ConfigInvalid(f"the provider `{name}` has no address", hint=mend)


def _vendors_variable(snapshot: Snapshot, vendor: Vendor | None) -> tuple[Address, str] | None:
    for variable in vendor.base_variables if vendor else ():
        if value := snapshot.environ.get(variable, "").strip():
            return read_setting(value, variable), variable
    return None


def _completed(address: Address, vendor: Vendor | None) -> Address:
    """Where all of a vendor's addresses end alike, it need not be written."""
    if address.path or vendor is None or vendor.base_form is None:
        return address
    path = read_address(vendor.base_form).path
    return Address(f"{address.url}{path}", address.origin, path)


def _configured_address(snapshot: Snapshot, name: str, settings: Settings | None) -> tuple[Address, str] | None:
    if settings and settings.api_base:
        source = f"providers.{name}.api_base"
        return read_setting(settings.api_base, source), source
    entry = f"{name.casefold()}_base_url"
    if value := snapshot.keyfile.get(entry, "").strip():
        return read_setting(value, f"keyfile.{entry}"), f"keyfile.{entry}"
    return None


def _settings(snapshot: Snapshot, row: str) -> tuple[str, Settings] | None:
    providers = snapshot.config.providers.items()
    return next(((name, settings) for name, settings in providers if name.casefold() == row), None)


def _is_default(snapshot: Snapshot, row: str) -> bool:
    default = snapshot.config.default_provider
    return default is not None and default.casefold() == row
