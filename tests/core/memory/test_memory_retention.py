"""What is remembered for so long only."""

import json
import logging

import pytest
from harness.memories import HERE, found, listed, remember, says

from agentrouted.core.config.memory import Retention
from agentrouted.core.memory.store import Store
from agentrouted_protocol.memory import MemoryImportParams, MemorySessionsParams
from agentrouted_protocol.scope import Scope

ADA_HERE = Scope(workspace="here", user="ada")


def rule(**more: object) -> Retention:
    return Retention.model_validate({"keep_days": 30, **more})


async def remember_long_ago(store: Store, text: str, scope: Scope, **more: object) -> None:
    names = {name: value for name, value in scope if value}
    times = {"createdAt": "2020-01-01T00:00:00Z", "updatedAt": "2020-01-01T00:00:00Z"}
    line = {"type": "fact", "id": text, "text": text, "kind": "fact", "scope": names, "source": {}, "version": 1}
    result = await store.import_(MemoryImportParams(text=json.dumps({**line, **times, **more})))
    assert result.entries == 1


async def test_what_was_kept_long_enough_is_forgotten_and_that_is_told(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await remember_long_ago(store, "old tea", HERE)
    await remember(store, "new tea", scope=HERE)
    assert await store.sweep([rule()]) == 1
    assert await found(store, "tea", scope=HERE) == await listed(store, scope=HERE) == ["new tea"]
    assert "1 facts and messages" in caplog.text


async def test_a_rule_holds_for_all_scopes_with_its_names_and_for_no_others(store: Store) -> None:
    for scope in (HERE, ADA_HERE, Scope(user="ada"), Scope()):
        await remember_long_ago(store, f"old of {dict(scope)}", scope)
    assert await store.sweep([rule(scope={"workspace": "here"})]) == 2
    assert await listed(store, scope=HERE) == await listed(store, scope=ADA_HERE) == []
    assert len(await listed(store, scope=Scope(user="ada"))) == len(await listed(store)) == 1


async def test_a_rule_holds_for_its_kinds(store: Store) -> None:
    await remember_long_ago(store, "a fact", HERE)
    await remember_long_ago(store, "an episode", HERE, kind="episode")
    await store.add_messages("s", [says("hello", created_at="2020-01-01T00:00:00Z")], HERE)
    assert await store.sweep([rule(kinds=["episode", "message"])]) == 2
    assert await listed(store, scope=HERE) == ["a fact"]
    assert (await store.sessions(MemorySessionsParams(scope=HERE))).sessions == []


async def test_a_fact_that_was_said_again_is_young_again(store: Store) -> None:
    await remember_long_ago(store, "tea at five", HERE)
    assert (await remember(store, "Tea at five.", scope=HERE)).merged
    assert await store.sweep([rule()]) == 0


async def test_what_has_expired_goes_without_a_rule(store: Store) -> None:
    await remember(store, "old milk", expires_at="2001-01-01T00:00:00Z")
    assert await store.sweep() == 1 and await store.sweep() == 0
    assert not (await remember(store, "old milk")).merged
