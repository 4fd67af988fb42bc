"""`memory/*`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from agentrouted.core.agent.embedding_calls import embedding_for
from agentrouted.core.endpoint import Boundary
from agentrouted.server.session import ClientSession
from agentrouted_protocol.memory import (
    MemoryAddMessagesParams,
    MemoryAddMessagesResult,
    MemoryClearMessagesParams,
    MemoryClearMessagesResult,
    MemoryEntry,
    MemoryExportParams,
    MemoryExportResult,
    MemoryForgetParams,
    MemoryForgetResult,
    MemoryGetMessagesParams,
    MemoryGetMessagesResult,
    MemoryGetParams,
    MemoryImportParams,
    MemoryImportResult,
    MemoryListParams,
    MemoryListResult,
    MemoryRecallParams,
    MemoryRecallResult,
    MemoryRememberParams,
    MemoryRememberResult,
    MemorySessionsParams,
    MemorySessionsResult,
    MemoryVectorsParams,
    MemoryVectorsResult,
    Source,
)

if TYPE_CHECKING:  # takes sqlite3 and aiosqlite with it: it is opened with the first use
    from agentrouted.core.memory.store import Store


# Between two reports of progress.
_LINES: Final = 5000


async def remember(session: ClientSession, params: MemoryRememberParams) -> MemoryRememberResult:
    source = Source(client=session.caller.name or None)
    return await (await _store(session)).remember(params, source, _boundary(session))


async def recall(session: ClientSession, params: MemoryRecallParams) -> MemoryRecallResult:
    embed = embedding_for(session.core.services, session.caller)
    return MemoryRecallResult(hits=await (await _store(session)).recall(params, embed))


async def forget(session: ClientSession, params: MemoryForgetParams) -> MemoryForgetResult:
    return MemoryForgetResult(forgotten=await (await _store(session)).forget(params))


async def get_entry(session: ClientSession, params: MemoryGetParams) -> MemoryEntry:
    return await (await _store(session)).get(params)


async def list_entries(session: ClientSession, params: MemoryListParams) -> MemoryListResult:
    return await (await _store(session)).page(params)


async def add_messages(session: ClientSession, params: MemoryAddMessagesParams) -> MemoryAddMessagesResult:
    """A `scope` that is left out is the session's own."""
    scope = params.scope if "scope" in params.model_fields_set else None
    return await (await _store(session)).add_messages(
        params.session_id, params.messages, scope, boundary=_boundary(session)
    )


async def get_messages(session: ClientSession, params: MemoryGetMessagesParams) -> MemoryGetMessagesResult:
    store = await _store(session)
    return MemoryGetMessagesResult(messages=await store.get_messages(params.session_id, params.limit, params.scope))


async def clear_messages(session: ClientSession, params: MemoryClearMessagesParams) -> MemoryClearMessagesResult:
    store = await _store(session)
    return MemoryClearMessagesResult(cleared=await store.clear_messages(params.session_id, params.scope))


async def list_sessions(session: ClientSession, params: MemorySessionsParams) -> MemorySessionsResult:
    return await (await _store(session)).sessions(params)


async def export_memory(session: ClientSession, params: MemoryExportParams) -> MemoryExportResult:
    with session.working(params.work_done_token, "Exporting memory") as report:
        return await (await _store(session)).export(params, _every(_LINES, report))


async def import_memory(session: ClientSession, params: MemoryImportParams) -> MemoryImportResult:
    with session.working(params.work_done_token, "Importing memory") as report:
        return await (await _store(session)).import_(params, _every(_LINES, report), _boundary(session))


async def show_vectors(session: ClientSession, params: MemoryVectorsParams) -> MemoryVectorsResult:
    store = await _store(session)
    if params.wait:
        with session.working(params.work_done_token, "Making vectors of memory") as report:
            # They are others where the config is changed meanwhile.
            while store.vectors and not (filler := store.vectors.filler).is_complete and filler.error is None:
                report(f"{filler.done:,} done, {filler.missing:,} missing")
                await filler.news()
    if store.vectors is None:
        return MemoryVectorsResult()
    filler = store.vectors.filler
    return MemoryVectorsResult(
        model=filler.model,
        done=filler.done,
        missing=filler.missing,
        complete=filler.is_complete,
        error=filler.error,
    )


def _every(count: int, report: Callable[[str], None]) -> Callable[[int], None]:
    """Not each number is worth a message."""
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if done - told >= count:
            told = done
            report(f"{done:,} lines")

    return tell


def _boundary(session: ClientSession) -> Boundary | None:
    """Of the folders that the client works in."""
    return session.core.services.config.current.boundary_in(session.folders)


async def _store(session: ClientSession) -> "Store":
    return await session.core.services.memory.get()
