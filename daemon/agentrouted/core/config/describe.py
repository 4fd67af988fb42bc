"""Every effective value, and where it came from."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from agentrouted.core.config.document import KeyPath, dotted
from agentrouted.core.config.snapshot import Snapshot
from agentrouted_protocol.config import ConfigValue

_LONG_KEY = 12


def effective(snapshot: Snapshot, path: str | None = None) -> list[ConfigValue]:
    """What is in force, secrets as hints; with `path`, only what stands at or under it."""
    keyfile = {
        name: value if name.endswith("_base_url") else SecretStr(value) for name, value in snapshot.keyfile.items()
    }
    values = [*_leaves(snapshot.config, (), True), *(_leaves(keyfile, ("keyfile",), True) if keyfile else ())]
    shown = [_shown(where, value, written, snapshot.origins) for where, value, written in values]
    return [each for each in shown if not path or each.path == path or each.path.startswith(f"{path}.")]


def key_hint(key: str) -> str | None:
    """Enough to tell one key from another; nothing of a key that is short."""
    return f"…{key[-4:]}" if len(key) >= _LONG_KEY else None


def _leaves(value: Any, path: KeyPath, written: bool) -> Iterator[tuple[KeyPath, Any, bool]]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            inner = written and name in value.model_fields_set
            yield from _leaves(getattr(value, name), (*path, name), inner)
    elif isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from _leaves(each, (*path, name), written)
    elif isinstance(value, tuple | list) and value:
        for number, each in enumerate(value):
            yield from _leaves(each, (*path, number), written)
    else:
        yield path, value, written


def _shown(path: KeyPath, value: Any, written: bool, origins: Mapping[str, str]) -> ConfigValue:
    origin = _origin(path, origins) if written else "default"
    return ConfigValue(path=dotted(path), value=_plain(value), origin=origin)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return key_hint(value.get_secret_value()) or "set"
    return sorted(value) if isinstance(value, frozenset) else value


def _origin(path: KeyPath, origins: Mapping[str, str]) -> str:
    # A short form, such as `fast: groq/llama`, was written at the place of its long form.
    around = (origins.get(dotted(path[:length])) for length in range(len(path), 0, -1))
    return next((origin for origin in around if origin), "default")
