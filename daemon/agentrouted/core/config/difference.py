"""What differs between two snapshots, by name."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from agentrouted.core.config.document import dotted
from agentrouted.core.config.snapshot import Snapshot


def difference(before: Snapshot, after: Snapshot) -> list[str]:
    """Top-level names and one level below, such as `providers.groq`, `keyfile` for the plain file, and `instructions`
    of folders' own files."""
    names = [
        dotted((name, part)) if part else name
        for name in type(after.config).model_fields
        for part in _differing(getattr(before.config, name), getattr(after.config, name))
    ]
    more = [name for name in ("keyfile", "instructions") if getattr(before, name) != getattr(after, name)]
    return [*names, *more]


def _differing(before: Any, after: Any) -> list[str]:
    if before == after:
        return []
    old, new = _parts(before), _parts(after)
    return [name for name in {**old, **new} if name not in old or name not in new or old[name] != new[name]]


def _parts(value: Any) -> Mapping[str, Any]:
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return value if isinstance(value, dict) else {"": value}
