"""What is in another scope is not there, whatever is asked."""

import json
from collections.abc import Awaitable, Callable

import pytest
from harness.memories import HERE, THERE, forget, found, get, hits, listed, remember, says

from agentrouted.core.errors import Conflict, NotFound
from agentrouted.core.memory.store import Store
from agentrouted_protocol.memory import (
    MemoryExportParams,
    MemoryFilter,
    MemoryImportParams,
    MemorySessionsParams,
)
from agentrouted_protocol.scope import Scope

OTHERS = [
    Scope(),
    Scope(workspace="Here"),
    Scope(workspace="here "),
    Scope(workspace="here", user="u"),
    Scope(workspace="here", agent="a"),
    Scope(workspace="here", session="talk"),
    Scope(user="here"),
    Scope(agent="here"),
    Scope(session="here"),
    Scope(workspace="%"),
    Scope(workspace="here\0"),
    Scope(workspace="' OR 1=1 --"),
]


async def _recall(store: Store, scope: Scope) -> object:
    return [
        *await found(store, "secret plan", scope=scope, explain=True),
        *await found(store, "", scope=scope),
        *await found(store, "plan", scope=scope, kinds=["message"]),
        *await found(store, "plan", scope=scope, tags=["t"]),
    ]


async def _recall_in_session(store: Store, scope: Scope) -> object:
    return await hits(store, "plan", scope=scope, session_id="talk")


async def _list(store: Store, scope: Scope) -> object:
    return [*await listed(store, scope=scope), *await listed(store, scope=scope, kinds=["fact"], tags=["t"])]


async def _get(store: Store, scope: Scope) -> object:
    for named in ({"key": "plan"}, {"id": (await store.get(get(key="plan", scope=HERE))).id}):
        with pytest.raises(NotFound):
            await store.get(get(**named, scope=scope))
    return None


async def _forget(store: Store, scope: Scope) -> object:
    [message] = await hits(store, "plan", scope=HERE, kinds=["message"], limit=1)
    wanted: list[dict[str, object]] = [{"key": "plan"}, {"id": message.id}, {"filter": MemoryFilter()}, {}]
    return sum([await forget(store, **each, scope=scope, dry_run=dry) for each in wanted for dry in (True, False)])


async def _sessions(store: Store, scope: Scope) -> object:
    return (await store.sessions(MemorySessionsParams(scope=scope))).sessions


async def _messages(store: Store, scope: Scope) -> object:
    with pytest.raises(Conflict):
        await store.get_messages("talk", scope=scope)
    with pytest.raises(Conflict):
        await store.add_messages("talk", [says("poison")], scope)
    with pytest.raises(Conflict):
        await store.clear_messages("talk", scope)
    return None


async def _remember(store: Store, scope: Scope) -> object:
    told = await remember(store, "the secret plan", key="plan", scope=scope)
    return told.merged


async def _export(store: Store, scope: Scope) -> object:
    result = await store.export(MemoryExportParams(scope=scope))
    return result.entries + result.messages


async def _import(store: Store, scope: Scope) -> object:
    names = {name: value for name, value in scope if value}
    line = {
        "type": "session",
        "sessionId": "talk",
        "scope": names,
        "createdAt": "2024-01-01",
        "updatedAt": "2024-01-01",
    }
    result = await store.import_(MemoryImportParams(text=json.dumps(line)))
    assert len(result.problems) == 1
    return result.entries + result.messages


TRIES: list[Callable[[Store, Scope], Awaitable[object]]] = [
    _recall,
    _recall_in_session,
    _list,
    _get,
    _forget,
    _sessions,
    _messages,
    _remember,
    _export,
    _import,
]


@pytest.mark.parametrize("other", OTHERS, ids=range(len(OTHERS)))
@pytest.mark.parametrize("attempt", TRIES)
async def test_nothing_is_seen_or_changed_from_another_scope(
    store: Store, attempt: Callable[[Store, Scope], Awaitable[object]], other: Scope
) -> None:
    await remember(store, "the secret plan", key="plan", tags=["t"], scope=HERE)
    await store.add_messages("talk", [says("a secret plan"), says("of course")], HERE)
    before = (await store.export(MemoryExportParams(scope=HERE))).text
    if other == Scope(workspace="here", session="talk") and attempt in (_recall, _recall_in_session):
        # Whoever names the session sees what was said in it, and no more.
        assert await found(store, "secret plan", scope=other) == ["a secret plan", "of course"]
        return
    assert not await attempt(store, other)
    assert (await store.export(MemoryExportParams(scope=HERE))).text == before


async def test_no_cursor_leads_out_of_a_scope(store: Store) -> None:
    await remember(store, "likes tea", scope=THERE)
    await store.add_messages("talk", [says("of course")], THERE)
    await remember(store, "the secret plan", scope=HERE)
    pages = [await listed(store, scope=THERE, cursor="9" * digits) for digits in range(1, 12)]
    assert pages == [["likes tea"]] * 11
