"""What agents remember between runs, kept in the process."""

import re
import threading
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from agentrouted.face.message import Message


@runtime_checkable
class AnyMemory(Protocol):
    """What an agent takes as its `memory`: a conversation that goes on, and facts by key.

    Its methods are awaited on the event loop of whoever runs the agent. For a run with a `session_id`, the methods on
    messages get it as a keyword, too.
    """

    async def get_messages(self, limit: int | None = None) -> list[Message]: ...

    async def add_messages(self, messages: list[Message]) -> None: ...

    async def clear_messages(self) -> None: ...

    async def remember(self, key: str, value: str) -> None: ...

    async def recall(self, query: str, limit: int = 10) -> list[str]: ...

    async def forget(self, key: str) -> None: ...


class Memory:
    """Gone when the program ends. Safe from any thread and event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: dict[str | None, list[Message]] = {}
        self._facts: dict[str, str] = {}

    async def get_messages(self, limit: int | None = None, *, session_id: str | None = None) -> list[Message]:
        """The newest `limit` of a conversation, or all; oldest first."""
        with self._lock:
            messages = list(self._messages.get(session_id, ()))
        return messages if limit is None else messages[max(0, len(messages) - max(0, limit)) :]

    async def add_messages(self, messages: list[Message], *, session_id: str | None = None) -> None:
        with self._lock:
            self._messages.setdefault(session_id, []).extend(messages)

    async def clear_messages(self, *, session_id: str | None = None) -> None:
        with self._lock:
            self._messages.pop(session_id, None)

    async def remember(self, key: str, value: str) -> None:
        """Keep a fact, in place of the one that has this key."""
        with self._lock:
            self._facts[key] = value

    async def recall(self, query: str, limit: int = 10) -> list[str]:
        """The facts whose key or value contains the query; if there are none, those with any of its words, the best
        first. An empty query finds everything, in the order it came.
        """
        with self._lock:
            facts = list(self._facts.items())
        text = query.lower().strip()
        found = [value for key, value in facts if text in key.lower() or text in value.lower()]
        return (found or _with_any_word(text, facts))[: max(0, limit)]

    async def forget(self, key: str) -> None:
        """A key that is not there is no error."""
        with self._lock:
            self._facts.pop(key, None)

    async def close(self) -> None:
        """Nothing to do."""


def _with_any_word(text: str, facts: Iterable[tuple[str, str]]) -> list[str]:
    words = set(re.findall(r"\w+", text))
    counted = [(len(words & set(re.findall(r"\w+", f"{key} {value}".lower()))), value) for key, value in facts]
    return [value for count, value in sorted(counted, key=lambda each: -each[0]) if count]
