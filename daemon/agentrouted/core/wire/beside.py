"""What a reply says that has no place of its own."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})


class Beside:
    """Gathers it from the pieces of a reply. Lists grow, objects are joined; of anything else, the last counts."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}

    def add(self, document: Mapping[str, Any], named: Iterable[str]) -> None:
        """Those fields of the document that are not named."""
        if names := document.keys() - named:
            told = {name: document[name] for name in document if name in names and document[name] not in _NOTHING}
            self.fields = _joined(self.fields, told)

    def add_to(self, name: str, item: Any) -> None:
        """Another item of a list."""
        self.fields = _joined(self.fields, {name: [item]})


def _joined(before: Any, after: Any) -> Any:
    if isinstance(before, dict) and isinstance(after, dict):
        return before | {name: _joined(before.get(name), value) for name, value in after.items()}
    return before + after if isinstance(before, list) and isinstance(after, list) else after


def tells_more(usage: Mapping[str, Any], counted: Iterable[str]) -> bool:
    """Whether there is a number or a word in it, at any depth, whose name is none of these."""
    return any(
        tells_more(value, counted) if isinstance(value, dict) else bool(value) and name not in counted
        for name, value in usage.items()
    )
