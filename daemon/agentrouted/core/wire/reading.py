"""A body, read until it has given something whole."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Final

# White space, and a byte order mark.
_BEFORE: Final = b" \t\r\n\xef\xbb\xbf"


class Reading(ABC):
    """Gives the JSON documents of a body as they come.

    `read` gives the next bytes, and none at the end; `source` names the server in errors.
    """

    def __init__(self, read: Callable[[], Awaitable[bytes]], source: str) -> None:
        self._read = read
        self._source = source
        self._begun = False
        self._ended = False

    async def next(self) -> list[bytes]:
        """Those that come next, all of one read; none at the end."""
        while not self._ended:
            data = await self._read()
            self._ended = not data
            if documents := self._end() if self._ended else self._begin_or_take(data):
                return documents
        return []

    def _begin_or_take(self, data: bytes) -> list[bytes]:
        if not self._begun:
            data = data.lstrip(_BEFORE)
            self._begun = bool(data)
        return self._take(data) if data else []

    @abstractmethod
    def _take(self, data: bytes) -> list[bytes]:
        """Those that these bytes complete."""

    @abstractmethod
    def _end(self) -> list[bytes]:
        """What is left at the end."""
