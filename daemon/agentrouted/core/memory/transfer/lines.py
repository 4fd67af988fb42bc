"""A line of an export: a fact, a session or a message."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from agentrouted.core.endpoint import Boundary
from agentrouted.core.memory.message_rows import secrets_of
from agentrouted.core.memory.transfer.long_json import NO_JSON
from agentrouted.core.secrets import secrets_in
from agentrouted_protocol.base import WireModel
from agentrouted_protocol.memory import MemoryEntry
from agentrouted_protocol.messages import Message
from agentrouted_protocol.scope import Scope

HEADER: Final = {"type": "agentrouted.memory", "version": 1}

MOST_LINES: Final = 100
"""At once: others wait for it, and it is all in memory."""

MOST_CHARACTERS: Final = 1_000_000

Placed = tuple[str, str]
"""Where a line stands, in words, and the line."""


class FactLine(MemoryEntry):
    """A fact, as it is."""

    type: Literal["fact"] = "fact"
    boundary: Boundary | None = None
    """The one in force when it was written."""


class SessionLine(WireModel):
    """A session; its messages follow."""

    type: Literal["session"] = "session"
    session_id: str
    scope: Scope = Scope()
    title: str | None = None
    created_at: str
    updated_at: str


class MessageLine(WireModel):
    """A message of the session that was named last."""

    type: Literal["message"] = "message"
    id: str
    session_id: str
    run_id: str | None = None
    created_at: str
    message: Message
    boundary: Boundary | None = None
    """The one in force when it was written."""


Line = FactLine | SessionLine | MessageLine
_LINE: Final[TypeAdapter[Line]] = TypeAdapter(Annotated[Line, Field(discriminator="type")])


def to_text(line: dict[str, Any]) -> str:
    try:
        return to_json(line).decode()
    except ValueError:
        # Half a surrogate pair, which UTF-8 has not.
        return json.dumps(line, separators=(",", ":"))


def parsed(texts: Iterable[Placed]) -> Iterator[tuple[str, Line | None, str | None]]:
    """Where each stands, the line (None where there is none to take in), and what is to be told of it."""
    for place, text in texts:
        if not text.strip():
            continue
        try:
            line = _line_of(text)
        except NO_JSON as error:
            yield place, None, f"{place}: {_fault(error)}"
        else:
            secrets = dict.fromkeys(_secrets_of(line))
            yield place, line, f"{place}: it is kept, with its secret ({', '.join(secrets)})" if secrets else None


def _line_of(text: str) -> Line | None:
    """None for the header."""
    try:
        return _LINE.validate_json(text, by_alias=True, by_name=False)
    except ValidationError:
        # There may be half a surrogate pair in it.
        plain = json.loads(text)
    if isinstance(plain, dict) and plain.get("type") == HEADER["type"]:
        return None
    return _LINE.validate_python(plain, by_alias=True, by_name=False)


def _secrets_of(line: Line | None) -> list[str]:
    match line:
        case FactLine():
            return secrets_in("\n".join([line.text, line.key or "", *line.tags, *_names(line.scope)]))
        case SessionLine():
            return secrets_in("\n".join([line.session_id, line.title or "", *_names(line.scope)]))
        case MessageLine():
            return secrets_of(line.message)
        case _:
            return []


def _names(scope: Scope) -> Iterator[str]:
    return (name for _, name in scope if name)


def _fault(error: Exception) -> str:
    """Names a field, never what stands in it."""
    if not isinstance(error, ValidationError):
        return "it is no JSON"
    fault = error.errors(include_url=False, include_input=False)[0]
    # The first of the place is which kind of line it is.
    field = ".".join(map(str, fault["loc"][1:]))
    return f"`{field:.100}`: {fault['msg']}" if field else "it is no fact, session or message"
