"""A JSON Schema without references."""

from collections.abc import Mapping
from typing import Any, Final

# What a reference leads to when it leads back to itself: no schema without references says that.
_ANYTHING: Final[Mapping[str, Any]] = {}

_DEFINITIONS: Final = frozenset({"$defs", "definitions"})


def inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with what each `$ref` means in its place. A schema inside itself becomes one that takes anything."""
    written: Any = _without_references(schema, schema, ())
    return {name: value for name, value in written.items() if name not in _DEFINITIONS}


def _without_references(node: Any, root: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_without_references(item, root, inside) for item in node]
    if not isinstance(node, Mapping):
        return node
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return {name: _without_references(value, root, inside) for name, value in node.items()}
    beside = {name: value for name, value in node.items() if name != "$ref"}
    meant = _ANYTHING if reference in inside else _at(root, reference)
    # What stands beside a reference, such as a description of its own, counts more.
    return _without_references({**meant, **beside}, root, (*inside, reference))


def _at(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    """What a pointer (RFC 6901) in the document leads to; anything where it leads nowhere."""
    place: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        place = place.get(name) if isinstance(place, Mapping) else None
    return place if isinstance(place, Mapping) else _ANYTHING
