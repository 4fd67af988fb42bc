"""One message of a session as a row, and back, exactly."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.endpoint import Boundary
from agentrouted.core.memory.index import add_to_index
from agentrouted.core.memory.scopes import next_message
from agentrouted.core.memory.terms import clean, indexed
from agentrouted.core.times import day_in_words
from agentrouted.core.tokens import text_of
from agentrouted_protocol.messages import Message

NEIGHBOURS: Final = 2
"""Messages before it that a message is found by."""

_OF_EACH: Final = 1000
"""Characters of each."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message in its place."""

    uid: str
    session: int
    scope: int
    created_at: float
    message: Message
    run_id: str | None = None
    boundary: Boundary | None = None
    """That it was said within."""

    @property
    def text(self) -> str:
        return clean(text_of(self.message))


def insert_message(connection: sqlite3.Connection, said: Said, before: Sequence[str]) -> None:
    """`before` are the texts that were said right before it."""
    text = said.text
    prepared = indexed(text)
    row = next_message(connection, said.scope)
    around = [said.message.name or "", day_in_words(said.created_at), *(each[-_OF_EACH:] for each in before)]
    nearby = indexed(clean(" ".join(around)))
    connection.execute(
        "INSERT INTO memories (id, uid, scope, kind, text, words, around, created_at, run_id, session, body,"
        " boundary)"
        " VALUES (?, ?, ?, 'message', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row,
            said.uid,
            said.scope,
            text,
            None if prepared == text else prepared,
            nearby,
            said.created_at,
            said.run_id,
            said.session,
            _body(said.message, text),
            said.boundary,
        ),
    )
    add_to_index(connection, row, prepared, nearby)


def message_of(text: str, body: str) -> dict[str, Any]:
    """The message in its wire form."""
    try:
        plain = from_json(body)
    except ValueError:
        plain = json.loads(body)
    return {"content": text, **plain}


def texts_before(connection: sqlite3.Connection, session: int) -> list[str]:
    """The last ones of a session."""
    rows = connection.execute(
        "SELECT substr(text, -?) FROM memories WHERE session = ? AND text != '' ORDER BY id DESC LIMIT ?",
        (_OF_EACH, session, NEIGHBOURS),
    ).fetchall()
    return [text for (text,) in reversed(rows)]


def _body(message: Message, text: str) -> str:
    """The message as JSON, without what stands in the text already."""
    exclude = {"created_at"} | ({"content"} if message.content == text else set())
    plain = message.model_dump(by_alias=True, exclude_none=True, exclude=exclude)
    try:
        return to_json(plain).decode()
    except ValueError:
        # Half a surrogate pair, which UTF-8 has not.
        return json.dumps(plain)
