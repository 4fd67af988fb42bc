"""One message of a session as a row, and back, exactly."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.endpoint import Boundary
from agentrouted.core.memory.index import add_to_index
from agentrouted.core.memory.scopes import next_messages
from agentrouted.core.memory.terms import clean, indexed
from agentrouted.core.secrets import secrets_in
from agentrouted.core.times import day_in_words
from agentrouted.core.tokens import text_of
from agentrouted_protocol.messages import Message

# Messages before it that a message is found by, and characters of each.
NEIGHBOURS: Final = 2
_OF_EACH: Final = 1000
_NONE_YET: Final = (1 << 63) - 1

_INSERT: Final = (
    "INSERT INTO memories (id, uid, scope, kind, text, words, around, created_at, run_id, session, body, boundary)"
    " VALUES (?, ?, ?, 'message', ?, ?, ?, ?, ?, ?, ?, ?)"
)


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
    """The one in force when it was said."""

    @property
    def text(self) -> str:
        return clean(text_of(self.message))


def insert_messages(connection: sqlite3.Connection, said: Sequence[Said]) -> None:
    """At the end of a session, which is the same for all of them; at least one."""
    session, scope = said[0].session, said[0].scope
    before = _texts_before(connection, session)
    rows = []
    words = []
    for row, each in enumerate(said, next_messages(connection, scope, len(said))):
        text = each.text
        prepared = indexed(text)
        around = indexed(_around(each.message.name, each.created_at, before))
        own_words = None if prepared == text else prepared
        body = _body(each.message, text)
        rows.append(
            (row, each.uid, scope, text, own_words, around, each.created_at, each.run_id, session, body, each.boundary)
        )
        if text:
            words.append((row, prepared, around))
            before = [*before, text][-NEIGHBOURS:]
    connection.executemany(_INSERT, rows)
    add_to_index(connection, words)


def around_now(connection: sqlite3.Connection, row: int, session: int, created_at: float, body: str) -> str:
    """What a message that is kept is found by beside its text: what stands before it may have changed."""
    return indexed(_around(message_of("", body).get("name"), created_at, _texts_before(connection, session, row)))


def secrets_of(message: Message) -> list[str]:
    """Which kinds of secrets it holds, wherever that is told to a model."""
    said = [text_of(message), message.reasoning or "", *(str(call.arguments) for call in message.tool_calls or ())]
    return [kind for each in said for kind in secrets_in(each)]


def message_of(text: str, body: str) -> dict[str, Any]:
    """The message in its wire form."""
    try:
        plain = from_json(body)
    except ValueError:
        plain = json.loads(body)
    # In the order of the contract: an export is the same as ever.
    return {"role": plain["role"], "content": text, **plain}


def role_of(connection: sqlite3.Connection, row: int) -> Any:
    """By the beginning of its body, which is `{"role":"user",…`, with or without blanks: the rest may be images."""
    with connection.blobopen("memories", "body", row, readonly=True) as body:
        return body.read(30).decode(errors="replace").split('"', 4)[3]


def _texts_before(connection: sqlite3.Connection, session: int, row: int = _NONE_YET) -> list[str]:
    """The last ones of a session, before this message of it."""
    rows = connection.execute(
        "SELECT substr(text, -?) FROM memories WHERE session = ? AND id < ? AND text != '' ORDER BY id DESC LIMIT ?",
        (_OF_EACH, session, row, NEIGHBOURS),
    ).fetchall()
    return [text for (text,) in reversed(rows)]


def _around(name: str | None, created_at: float, before: Sequence[str]) -> str:
    """What it is found by, too."""
    texts = [text[-_OF_EACH:] for text in before]
    return clean(" ".join([name or "", day_in_words(created_at), *texts]))


def _body(message: Message, text: str) -> str:
    """The message as JSON, without what stands in the text already."""
    exclude = {"created_at"} | ({"content"} if message.content == text else set())
    plain = message.model_dump(by_alias=True, exclude_none=True, exclude=exclude)
    try:
        return to_json(plain).decode()
    except ValueError:
        # Half a surrogate pair, which UTF-8 has not.
        return json.dumps(plain)
