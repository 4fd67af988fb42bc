"""The plain file of keys, `key=value`."""

import re
from typing import Any, Final

from agentrouted.core.config.foreign import Foreign
from agentrouted.core.config.imports.base import Draft, Imported, whole
from agentrouted.core.config.known_servers import known_server
from agentrouted.core.loopback import is_loopback

_ENTRY: Final = re.compile(r"(\w[\w.-]*)_(api_key|base_url)")


def read(foreign: Foreign) -> Imported:
    """`foreign` has the entries by name, as `core/config/keyfile` reads them."""
    draft = Draft(foreign)
    settings: dict[str, dict[str, Any]] = {}
    sources: dict[str, tuple[str]] = {}
    for name in foreign.names():
        provider, key = _meaning(name)
        read_value = draft.key if key == "api_key" else draft.address
        settings.setdefault(provider, {})[key] = read_value(foreign.text(name), (name,))
        sources.setdefault(provider, (name,))
    for provider, written in settings.items():
        path = sources[provider]
        if _is_host(path[0]):
            _host(draft, provider, written)
            continue
        server = known_server(provider)
        if not written.get("api_base") and server is None:
            hint = f"write `{provider}_base_url=…` beside it"
            draft.tell("unsupported", path, f"`{provider}` is left out: nothing says where it is", hint)
            continue
        draft.provider(provider, whole(provider, server, written), path)
        draft.tell("exact", path, f"the provider `{provider}` is read")
    return draft.finish(hints={})


def _meaning(name: str) -> tuple[str, str]:
    """The provider, and what of it."""
    if found := _ENTRY.fullmatch(name):
        return found[1], "api_key" if found[2] == "api_key" else "api_base"
    return "openrouter" if name == "api_key" else name, "api_key"


def _is_host(name: str) -> bool:
    return name != "api_key" and not _ENTRY.fullmatch(name)


def _host(draft: Draft, host: str, written: dict[str, Any]) -> None:
    """A key for whatever is at a host."""
    scheme = "http" if is_loopback(host.partition(":")[0]) or ":" in host else "https"
    base = f"{scheme}://{host}"
    draft.provider(host, {**written, "api_base": base}, (host,))
    draft.tell("approximate", (host,), f"the key for `{host}` is for {base} alone")
