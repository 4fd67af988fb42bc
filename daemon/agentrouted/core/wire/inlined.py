"""A JSON Schema without references."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_ANYTHING: Final[Mapping[str, Any]] = {}

# Types that hold each other can be written out in more ways than anybody can read.
_MOST_REFERENCES: Final = 1000

_DEFINITIONS: Final = frozenset({"$defs", "definitions"})


def inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with what each `$ref` means in its place. Of a schema inside itself, only its type is left."""
    written = _Inliner(schema).without_references(schema, ())
    return {name: value for name, value in written.items() if name not in _DEFINITIONS}


@dataclass(frozen=True)
class _Inliner:
    root: Mapping[str, Any]
    left: Iterator[int] = field(default_factory=lambda: iter(range(_MOST_REFERENCES)))

    def without_references(self, node: Any, inside: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [self.without_references(item, inside) for item in node]
        if not isinstance(node, Mapping):
            return node
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return {name: self.without_references(value, inside) for name, value in node.items()}
        beside = {name: value for name, value in node.items() if name != "$ref"}
        meant = self._meant(reference)
        if reference in inside:
            meant = {"type": meant["type"]} if "type" in meant else _ANYTHING
        # What stands beside a reference, such as a description of its own, counts more.
        return self.without_references({**meant, **beside}, (*inside, reference))

    def _meant(self, reference: str) -> Mapping[str, Any]:
        """What a pointer (RFC 6901) in the document leads to; anything where it leads nowhere."""
        place: Any = self.root if next(self.left, None) is not None else _ANYTHING
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            place = place.get(name) if isinstance(place, Mapping) else None
        return place if isinstance(place, Mapping) else _ANYTHING
