"""A config of another router, as it is looked through."""

from collections.abc import Iterator
from typing import Any

from agentrouted.core.config.document import KeyPath


class Foreign:
    """The data of a file, which remembers what of it has been looked at: the rest is told as not supported."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self._seen: set[KeyPath] = set()
        self._around: set[KeyPath] = set()
        """What something was seen in: the rest of it is told piece by piece."""

    def take(self, *path: str | int) -> Any:
        """What stands at `path`, with all that is inside; None if there is nothing."""
        self._seen.add(path)
        self._around.update(path[:length] for length in range(len(path)))
        return self.at(*path)

    def text(self, *path: str | int) -> str | None:
        """The text at `path`; anything else is left to be told."""
        value = self.at(*path)
        return self.take(*path).strip() or None if isinstance(value, str) else None

    def number(self, *path: str | int) -> float | None:
        """The number over zero at `path`."""
        value = self.at(*path)
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
        return self.take(*path) if is_number else None

    def price(self, *path: str | int) -> float | None:
        """The number at `path`, which may be zero: what is free has a price, too."""
        value = self.at(*path)
        is_free = isinstance(value, int | float) and not isinstance(value, bool) and value == 0
        return self.take(*path) if is_free else self.number(*path)

    def texts(self, *path: str | int) -> list[str]:
        """A text, or a list of them."""
        value = self.at(*path)
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(each, str) for each in items):
            return []
        self.take(*path)
        return items

    def enter(self, *path: str | int) -> None:
        """What is left inside is to be told piece by piece."""
        self._around.add(path)

    def names(self, *path: str | int) -> list[str]:
        """The keys of the mapping at `path`, which are not looked at by that."""
        value = self.at(*path)
        return list(value) if isinstance(value, dict) else []

    def numbers(self, *path: str | int) -> range:
        """The places of the list at `path`."""
        value = self.at(*path)
        return range(len(value) if isinstance(value, list) else 0)

    def at(self, *path: str | int) -> Any:
        value = self.data
        for part in path:
            is_there = part in value if isinstance(value, dict) else _is_place(part, value)
            if not is_there:
                return None
            value = value[part]
        return value

    def unseen(self, path: KeyPath = ()) -> Iterator[KeyPath]:
        """The outermost values that nobody has looked at. What is empty says nothing."""
        value = self.at(*path)
        if path in self._seen or value in (None, "", [], {}):
            return
        inside = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
        if path and path not in self._around:
            yield path
            return
        for part in inside:
            yield from self.unseen((*path, part))


def _is_place(part: str | int, value: Any) -> bool:
    return isinstance(value, list) and isinstance(part, int) and part < len(value)
