"""Memory of the daemon: facts, and messages of sessions."""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from agentrouted.core.config.memory import Retention
from agentrouted.core.endpoint import Boundary
from agentrouted.core.errors import InvalidParams, NotFound, Storage
from agentrouted.core.memory import facts, sessions
from agentrouted.core.memory.forgetting import forget, forget_session
from agentrouted.core.memory.recall import recall
from agentrouted.core.memory.remembering import remember_all
from agentrouted.core.memory.retention import forget_what_expired, forget_what_is_old
from agentrouted.core.memory.session_locks import SessionLocks
from agentrouted.core.memory.tidying import Tidying
from agentrouted.core.memory.transfer import transfer
from agentrouted.core.memory.transfer.transfer import Report, silent
from agentrouted.core.storage.database import Database
from agentrouted.core.storage.transactions import OneOfMany
from agentrouted_protocol.memory import (
    MemoryAddMessagesResult,
    MemoryEntry,
    MemoryExportParams,
    MemoryExportResult,
    MemoryForgetParams,
    MemoryGetParams,
    MemoryHit,
    MemoryImportParams,
    MemoryImportResult,
    MemoryListParams,
    MemoryListResult,
    MemoryRecallParams,
    MemoryRememberParams,
    MemoryRememberResult,
    MemorySessionsParams,
    MemorySessionsResult,
    SessionMessage,
    Source,
)
from agentrouted_protocol.messages import Message
from agentrouted_protocol.scope import Scope

if TYPE_CHECKING:  # loaded where the config asks for vectors
    from agentrouted.core.memory.vectors.embed import Embed
    from agentrouted.core.memory.vectors.vectors import Vectors

logger = logging.getLogger(__name__)

# Between two looks at what has expired. All rows are looked at for the rules of retention: less often.
_MINUTE: Final = 60.0
_MINUTES_BETWEEN_RULES: Final = 60


class Store:
    """In a database that other processes may share, or in one in memory. Raises `Storage` when it cannot.

    What is in another scope than the one that is named is not there, for every method.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        beside = database.path.with_name(f"{database.path.name}.sessions") if database.is_on_disk else None
        self.session_locks = SessionLocks(beside)
        self.vectors: Vectors | None = None
        """Where the config asks for them: whoever sets it closes it."""

        self._tidying = Tidying(database)
        self._sweeping: asyncio.Task[None] | None = None

    def remember(
        self, fact: MemoryRememberParams, source: Source | None = None, boundary: Boundary | None = None
    ) -> "asyncio.Future[MemoryRememberResult]":
        """`boundary` is the one in force: no model beyond it will ever make the vector of the fact."""
        remembered = self._database.write(OneOfMany(remember_all, (fact, source, boundary)))
        self._tidying.after_adding()
        if (vectors := self.vectors) is not None:
            remembered.add_done_callback(lambda _: vectors.filler.wake())
        return remembered

    async def recall(
        self, params: MemoryRecallParams, embed: "Embed | None" = None, leaves: bool = False
    ) -> list[MemoryHit]:
        """By meaning, too, where vectors are kept and `embed` says how the question becomes one.

        `leaves` says that what is found may leave this machine: nothing that was said within the boundary `local` is.
        """
        if self.vectors is not None and embed is not None:
            return await self.vectors.recall(params, embed, leaves)
        return await self._database.read(partial(recall, params=params, leaves=leaves))

    async def get(self, params: MemoryGetParams) -> MemoryEntry:
        """Raises `NotFound`."""
        if (params.id is None) == (params.key is None):
            raise InvalidParams("name one of `id` and `key`")
        entry = await self._database.read(partial(facts.get_entry, params=params))
        if entry is None:
            raise NotFound("there is no such fact in this scope", hint="`memory/list` with the same `scope` shows all")
        return entry

    async def page(self, params: MemoryListParams) -> MemoryListResult:
        return await self._database.read(partial(facts.list_entries, params=params))

    async def forget(self, params: MemoryForgetParams) -> int:
        """How many facts and messages are gone, or would be."""
        if params.dry_run:
            return await self._database.read(partial(forget, params=params))
        forgotten = await self._database.write(partial(forget, params=params))
        self._clean_later()
        return forgotten

    async def add_messages(
        self,
        session_id: str,
        messages: Sequence[Message],
        scope: Scope | None = None,
        run_id: str | None = None,
        boundary: Boundary | None = None,
    ) -> MemoryAddMessagesResult:
        """In order, all or none. See `sessions.add_messages`."""
        result = await self._database.write(
            lambda connection: sessions.add_messages(connection, session_id, messages, scope, run_id, boundary)
        )
        self._tidying.after_adding()
        if self.vectors is not None:
            self.vectors.filler.wake()
        if result.secrets:
            logger.warning("a message of session `%.100s` has what looks like a secret: it is kept", session_id)
        return result

    async def get_messages(
        self, session_id: str, limit: int | None = None, scope: Scope | None = None
    ) -> list[SessionMessage]:
        """Raises `Conflict` where the session is in another scope than one that is named."""
        return (await self.messages_up_to(session_id, None, limit, scope)).messages

    async def messages_up_to(
        self, session_id: str, place: int | None, limit: int | None = None, scope: Scope | None = None
    ) -> sessions.Conversation:
        """The messages up to a place in the session.

        Raises `Conflict` where the session is in another scope than one that is named.
        """
        read = partial(sessions.get_messages, session_id=session_id, limit=limit, up_to=place, scope=scope)
        return await self._database.read(read)

    async def clear_messages(self, session_id: str, scope: Scope | None = None) -> int:
        """How many there were. Raises `Conflict` where the session is in another scope than one that is named."""
        cleared = await self._database.write(partial(forget_session, session_id=session_id, scope=scope))
        self._clean_later()
        return cleared

    async def sessions(self, params: MemorySessionsParams) -> MemorySessionsResult:
        return await self._database.read(partial(sessions.list_sessions, params=params))

    async def export(self, params: MemoryExportParams, report: Report = silent) -> MemoryExportResult:
        """See `transfer.export`."""
        return await transfer.export(self._database, params, report)

    async def import_(
        self, params: MemoryImportParams, report: Report = silent, boundary: Boundary | None = None
    ) -> MemoryImportResult:
        """See `transfer.import_`."""
        try:
            return await transfer.import_(self._database, params, report, boundary)
        finally:
            self._tidying.after_importing()
            if self.vectors is not None:
                self.vectors.filler.look_everywhere()

    def open_vectors(self, embed: "Embed", model: str, find_space: Callable[[], str]) -> "Vectors":
        """Of all that is remembered: they are made from now on, in the background."""
        from agentrouted.core.memory.vectors.vectors import Vectors

        self.vectors = Vectors(self._database, embed, model, find_space)
        return self.vectors

    def sweep_from_now_on(self, rules: Callable[[], Sequence[Retention]]) -> None:
        """Forget again and again what has expired, and what these rules say."""
        self._sweeping = asyncio.create_task(self._sweep_again_and_again(rules))

    async def sweep(self, rules: Sequence[Retention] = ()) -> int:
        """Forget what has expired, and what these rules say. How many facts and messages."""
        now = time.time()
        forgotten = await forget_what_expired(self._database, now)
        if old := await forget_what_is_old(self._database, rules, now):
            logger.info("memory: %d facts and messages were kept long enough, and are forgotten", old)
        if forgotten + old:
            self._clean_later()
        return forgotten + old

    async def aclose(self) -> None:
        """The database, too."""
        if self._sweeping is not None and self._sweeping.cancel():
            await asyncio.wait([self._sweeping])
        await self._tidying.aclose()
        self.session_locks.close()
        await self._database.aclose()

    async def _sweep_again_and_again(self, rules: Callable[[], Sequence[Retention]]) -> None:
        applied: Sequence[Retention] | None = None
        for minute in itertools.count():
            changed = rules() is not applied
            applied = rules()
            with contextlib.suppress(Storage):
                await self.sweep(applied if changed or minute % _MINUTES_BETWEEN_RULES == 0 else ())
            await asyncio.sleep(_MINUTE)

    def _clean_later(self) -> None:
        self._tidying.after_forgetting()
        if self.vectors is not None:
            self.vectors.filler.look_everywhere()
