"""All that is known of a scope forgotten, and shown to be."""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentrouted.core.errors import InvalidParams, Storage
from agentrouted.core.journal.lasting import forget_run
from agentrouted.core.journal.loading import runs_that_told
from agentrouted.core.memory.forgetting import forget_rows
from agentrouted.core.memory.index import clean_index
from agentrouted.core.memory.scopes import scopes_within, whole_range
from agentrouted.core.storage import upkeep
from agentrouted.core.storage.faults import is_busy
from agentrouted.core.storage.long_work import long_work
from agentrouted_protocol.scope import Scope

# Texts that the file is searched for afterwards, and bytes of each. Ids are searched for, all of them.
_TEXTS: Final = 50
_OF_EACH: Final = 60
_RECALL: Final = b'"recall"'
# Times that it is looked for what is to go, in the hope that nobody writes meanwhile.
_LOOKS: Final = 3

_ID: Final = re.compile(rb"(?<![0-9a-f])[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Erased:
    """What is gone, or would be."""

    facts: int
    messages: int
    runs: int
    running: Sequence[str]
    """Runs that have to do with it and are under way: they stay."""

    left: Sequence[str] = ()
    """What a search still finds in the file: ids, and beginnings of texts."""

    copies: Sequence[Path] = ()
    """Older copies of the file that have it."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What is to go: rows of scopes and of runs, and what they are told by."""

    scopes: Sequence[int]
    facts: int
    messages: int
    runs: Sequence[int]
    running: Sequence[str]
    ids: frozenset[bytes]
    texts: frozenset[bytes]


def forget_everything(path: Path, scope: Scope, *, dry_run: bool = False) -> Erased:
    """Facts, conversations and runs of all scopes that have the names of `scope`, whatever else they name.

    Other processes may go on meanwhile. What was spent stays in the ledger. Raises `Storage`, and `NotFound` where
    there is no file.
    """
    if not any(value for _, value in scope):
        raise InvalidParams("whose memory is it to forget?", hint="name a workspace, user, agent or session")
    with upkeep.opened(path) as connection:
        has, knows = upkeep.version(connection)
        if has != knows:
            hint = "`agentrouted memory list` brings it up to date" if has < knows else "update agentrouted"
            raise Storage(f"the database {path} has version {has}, and this agentrouted uses {knows}", hint=hint)
        if dry_run:
            connection.execute("BEGIN")
            found = _find(connection, scope)
            return Erased(found.facts, found.messages, len(found.runs), found.running)
        with long_work(path):
            return _erase(connection, path, scope)


def _erase(connection: sqlite3.Connection, path: Path, scope: Scope) -> Erased:
    found = _found_and_locked(connection, scope)
    _forget(connection, found)
    connection.execute("COMMIT")
    while clean_index(connection):
        pass
    upkeep.vacuum(connection)
    left = [piece for piece in _search(path, found) if not _is_elsewhere(connection, piece)]
    copies = [copy for copy in upkeep.copies(path) if _search(copy, found)]
    said = sorted(piece.decode(errors="replace") for piece in left)
    return Erased(found.facts, found.messages, len(found.runs), found.running, said, copies)


def _found_and_locked(connection: sqlite3.Connection, scope: Scope) -> _Found:
    """What is to go, in a transaction that others wait for. While it is looked for, they can write."""
    for _ in range(_LOOKS):
        connection.execute("BEGIN")
        found = _find(connection, scope)
        try:
            # It changes nothing, but is a write: it fails where another has written since.
            connection.execute("UPDATE memory_scopes SET id = id WHERE FALSE")
        except sqlite3.OperationalError as error:
            connection.execute("ROLLBACK")
            if not is_busy(error):
                raise
        else:
            return found
    connection.execute("BEGIN IMMEDIATE")
    return _find(connection, scope)


def _find(connection: sqlite3.Connection, scope: Scope) -> _Found:
    scopes = scopes_within(connection, scope)
    ids: set[bytes] = set()
    sample: list[str] = []
    facts = messages = 0
    for row in scopes:
        for uid, kind, text in connection.execute(
            "SELECT uid, kind, text FROM memories WHERE id BETWEEN ? AND ?", whole_range(row)
        ):
            ids.add(uid.encode())
            facts, messages = facts + (kind != "message"), messages + (kind == "message")
            if len(sample) < _TEXTS and len(text) > 8:
                sample.append(text)
    told = runs_that_told(connection, _RECALL, lambda event: not ids.isdisjoint(_ID.findall(event)))
    runs = _runs(connection, scopes, scope, told)
    return _Found(
        scopes,
        facts,
        messages,
        [row for row, _, status in runs if status != "running"],
        [run_id for _, run_id, status in runs if status == "running"],
        frozenset(ids),
        frozenset(text.encode()[:_OF_EACH] for text in sample),
    )


def _runs(
    connection: sqlite3.Connection, scopes: Iterable[int], scope: Scope, told: Iterable[int]
) -> list[tuple[int, str, str]]:
    """Row, id and status of those that were of these sessions, used this memory or wrote to it, and were told of it;
    and of their parts.
    """
    marks = ", ".join(map(str, scopes)) or "NULL"
    named = " AND ".join(f"json_extract(params, '$[0].memory.scope.{name}') = ?" for name, value in scope if value)
    return connection.execute(
        f"""
        WITH RECURSIVE these (run_id) AS (
            SELECT run_id FROM runs WHERE {named} OR id IN ({", ".join(map(str, told)) or "NULL"})
                OR session_id IN (SELECT session_id FROM memory_sessions WHERE scope IN ({marks}))
            -- Also those that are gone themselves: their parts, and forks of them, may be there.
            UNION SELECT run_id FROM memories WHERE scope IN ({marks})
            UNION SELECT json_extract(value, '$.runId') FROM memories, json_each(sources) WHERE scope IN ({marks})
            UNION SELECT runs.run_id FROM runs JOIN these ON runs.parent_run_id = these.run_id
        )
        SELECT id, run_id, status FROM runs JOIN these USING (run_id)
        """,
        [value for _, value in scope if value],
    ).fetchall()


def _forget(connection: sqlite3.Connection, found: _Found) -> None:
    for scope in found.scopes:
        forget_rows(connection, scope, "TRUE", ())
    for run in found.runs:
        forget_run(connection, run)


def _search(path: Path, found: _Found) -> set[bytes]:
    return upkeep.search(path, found.texts, _ID, found.ids)


def _is_elsewhere(connection: sqlite3.Connection, piece: bytes) -> bool:
    """Another scope has the same text: that is no trace."""
    sql = "SELECT 1 FROM memories WHERE instr(CAST(text AS BLOB), ?) LIMIT 1"
    return connection.execute(sql, (piece,)).fetchone() is not None
