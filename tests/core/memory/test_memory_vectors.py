"""Memory that finds by meaning, with a real server of embeddings."""

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from harness.embeddings import (
    count,
    filled,
    found_by_meaning,
    hits_of,
    openai,
    texts_in,
    vector_of,
    with_vectors,
)
from harness.memories import HERE, THERE, remember, says
from harness.peer import TIME_LIMIT

from agentrouted.core.agent.embedding_calls import embedding_for
from agentrouted.core.endpoint import Boundary
from agentrouted.core.memory.scopes import both_ranges
from agentrouted.core.memory.store import Store
from agentrouted.core.memory.vectors import nearest, vectors
from agentrouted.core.memory.vectors.embed import Embedded
from agentrouted.core.memory.vectors.rows import Space, as_blob
from agentrouted.core.storage.database import Database
from agentrouted.testing.upstream import Reply, Scripted, Upstream
from agentrouted_protocol.memory import (
    MemoryRecallParams,
)
from agentrouted_protocol.scope import Scope


async def loading(model: str, texts: Sequence[str], workspace: str, *, boundary: Boundary | None = None) -> Embedded:
    """A model that is never there in time."""
    await asyncio.Event().wait()
    raise AssertionError


async def test_what_means_the_same_is_found_without_a_word_in_common(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "I like blue", scope=HERE)
        await store.add_messages("s", [says("Rex barks")], HERE)
        await filled(store)
        assert await found_by_meaning(services, "favourite hue", scope=HERE) == ["I like blue", "Rex barks"]
        assert await found_by_meaning(services, "a pet", scope=HERE) == ["Rex barks", "I like blue"]
    assert texts_in(upstream.requests)[-2:] == [["favourite hue"], ["a pet"]]


async def test_another_scope_is_not_seen_nor_asked_for(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "I like blue", scope=THERE)
        await remember(store, "the blue one", scope=Scope(workspace="here", user="ada"))
        await remember(store, "nothing", scope=HERE)
        await filled(store)
        assert await found_by_meaning(services, "hue", scope=HERE) == ["nothing"]
        asked = len(upstream.requests)
        assert await found_by_meaning(services, "hue") == []
    assert len(upstream.requests) == asked


async def test_who_names_a_session_finds_what_was_said_in_it_and_no_more(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue around", scope=HERE)
        await remember(store, "blue of the session", scope=Scope(workspace="here", session="s"))
        await store.add_messages("s", [says("blue said")], HERE)
        await store.add_messages("t", [says("blue said elsewhere")], HERE)
        await store.add_messages("u", [says("blue said by others")], THERE)
        await filled(store)
        found = await found_by_meaning(services, "hue", scope=Scope(workspace="here", session="s"))
        assert sorted(found) == ["blue of the session", "blue said"]


async def test_filters_hold_for_what_is_found_by_meaning(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue", kind="note", tags=["a", "b"])
        await remember(store, "blue blue", expires_at="2999-01-01", valid_from="2998-01-01")
        ids = (await store.add_messages("s", [says("blue, he says", created_at="2020-01-01T00:00:00Z")])).ids
        await store.add_messages("t", [says("blue, she says", created_at="2021-01-01T00:00:00Z")])
        await filled(store)
        found = partial(found_by_meaning, services, "hue")
        assert await found(kinds=["note"]) == await found(tags=["b"]) == ["blue"]
        assert await found(tags=["c"]) == await found(kinds=["episode"]) == []
        assert await found(sessionId="s") == await found(until="2020-06-01T00:00:00Z") == ["blue, he says"]
        assert await found(kinds=["message"], since="2020-06-01T00:00:00Z") == ["blue, she says"]
        assert sorted(await found()) == ["blue", "blue, he says", "blue, she says"] and ids


async def test_what_is_out_of_force_hides_nothing_however_much_is_nearer(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue and a dog", kind="note", tags=["pet"])
        for number in range(600):
            await remember(store, f"blue {number}", valid_from="2998-01-01")
        await filled(store)
        for filter_ in ({}, {"kinds": ["note"]}, {"tags": ["pet"]}):
            assert await found_by_meaning(services, "hue", **filter_) == ["blue and a dog"]


async def test_a_filter_finds_what_fits_however_much_is_nearer(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue and a dog", kind="note", tags=["pet"])
        for number in range(600):
            await remember(store, f"blue {number}")
        await filled(store)
        for filter_ in ({"kinds": ["note"]}, {"tags": ["pet"]}):
            assert await found_by_meaning(services, "hue", **filter_) == ["blue and a dog"]


async def test_explain_tells_both_ranks(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "tea is a drink")
        await remember(store, "blue")
        await filled(store)
        first, second = await hits_of(services, "Which drink?", explain=True)
        assert first.explain and first.explain["ranks"] == {"words": 1, "vectors": 1} and "drink" in str(first.explain)
        assert first.explain["similarity"] > 0.9 and first.score == pytest.approx(1.5 / 6, abs=1e-5)
        assert second.explain == {"words": {}, "ranks": {"vectors": 2}, "similarity": pytest.approx(0, abs=0.1)}


async def test_what_words_find_best_stands_before_what_only_meaning_finds(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "a hue, dog dog dog")
        for number in range(60):
            await remember(store, f"blue {number}")
        await filled(store)
        first, second = (await hits_of(services, "hue", explain=True))[:2]
        assert first.explain and first.explain["ranks"] == {"words": 1}
        assert second.explain and second.explain["ranks"] == {"vectors": 1}


async def test_an_empty_query_lists_and_asks_nobody(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        for text in ("one", "two"):
            await remember(store, text)
        await filled(store)
        asked = len(upstream.requests)
        assert await found_by_meaning(services, " ") == ["two", "one"]
    assert len(upstream.requests) == asked


async def test_of_a_question_that_is_too_long_for_the_model_the_beginning_is_compared(tmp_path: Path) -> None:
    too_long = Reply.status(400, {"error": {"message": "input is larger than the max context size"}})
    async with (
        Upstream([openai, too_long, openai]) as upstream,
        with_vectors(tmp_path, f"{upstream.url}/m") as services,
    ):
        store = await services.memory.get()
        await remember(store, "blue")
        await filled(store)
        assert await found_by_meaning(services, f"hue {'x' * 1000}") == ["blue"]
        [asked] = texts_in(upstream.requests)[-1]
        assert asked.startswith("hue x") and len(asked) == 500


async def test_a_question_of_another_length_is_looked_up_by_words_and_changes_nothing(tmp_path: Path) -> None:
    wide = partial(openai, dimensions=16)
    async with Upstream([openai, wide, openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue sky")
        await filled(store)
        [hit] = await hits_of(services, "sky", explain=True)
        assert hit.explain and "length" in hit.explain["vectors"]
        assert await count(services) == 1 and await found_by_meaning(services, "hue") == ["blue sky"]


async def test_a_question_without_a_direction_is_looked_up_by_words(tmp_path: Path) -> None:
    nothing = Reply.json({"data": [{"embedding": [0.0] * 8}]})
    async with Upstream([openai, nothing]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        await filled(store)
        assert await found_by_meaning(services, "blue") == ["blue"]


async def test_a_question_that_is_not_answered_is_looked_up_by_words_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script: list[Scripted] = [openai, Reply.status(503)]
    async with Upstream(script) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue sky")
        await filled(store)
        for _ in range(3):
            [hit] = await hits_of(services, "sky", explain=True)
            assert hit.explain and set(hit.explain) == {"words", "vectors"}
            assert await found_by_meaning(services, "hue") == []
    assert len(upstream.requests) == 2
    assert [record.message for record in caplog.records if "by words alone" in record.message] != []
    assert len([record for record in caplog.records if "by words alone" in record.message]) == 1


async def test_a_model_that_takes_long_to_load_is_waited_for_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_PATIENCE", 0.01)
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        await filled(store)
        await upstream.received()
        assert await store.recall(MemoryRecallParams(query="hue"), loading) == []
        assert (await upstream.received()).body["input"] == ["text"]
        monkeypatch.setattr(vectors, "_PATIENCE", 5.0)
        async with asyncio.timeout(TIME_LIMIT):
            while not await found_by_meaning(services, "hue"):
                pass


async def test_a_model_elsewhere_is_not_asked_for_one_that_takes_long_to_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers = "{here: {api_base: '%s', local: true}, acme: {api_base: '%s', local: false}}"
    chain = f"providers: {providers}\nmodels: {{v: {{endpoints: [here/m, acme/m]}}}}\n"
    monkeypatch.setattr(vectors, "_PATIENCE", 0.01)
    async with (
        Upstream([openai, Reply.status(501)]) as here,
        Upstream([openai]) as cloud,
        with_vectors(tmp_path, "v", chain % (here.url, cloud.url)) as services,
    ):
        store = await services.memory.get()
        await remember(store, "blue")
        await filled(store)
        assert await store.recall(MemoryRecallParams(query="a secret hue"), loading) == []
        assert store.vectors and store.vectors._loading
        await store.vectors._loading
    assert texts_in(here.requests) == [["blue"], ["text"]] and not cloud.requests


async def test_why_a_question_was_not_asked_long_ago_is_not_said_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = "providers: {acme: {api_base: '%s', local: false}}\nworkspaces: {/secret: {boundary: local}}\n"
    monkeypatch.setattr(vectors, "_REST", 0.0)
    async with (
        Upstream([openai, Reply.status(503)]) as upstream,
        with_vectors(tmp_path, "acme/m", config % upstream.url) as services,
    ):
        store = await services.memory.get()
        await remember(store, "blue sky")
        await remember(store, "blue sea", scope=Scope(workspace="/secret"))
        await filled(store)
        [hit] = await hits_of(services, "sky", explain=True)
        assert hit.explain and "503" in hit.explain["vectors"]
        [hit] = await hits_of(services, "sea", explain=True, scope=Scope(workspace="/secret"))
        assert hit.explain and "boundary" in hit.explain["vectors"]


async def test_without_the_extra_words_find_and_the_mend_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "agentrouted.core.memory.vectors.nearest", None)
    monkeypatch.delattr("agentrouted.core.memory.vectors.nearest", raising=False)
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue sky")
        vectors = await filled(store)
        assert vectors.error and "agentrouted[vectors]" in vectors.error
        [hit] = await hits_of(services, "sky", explain=True)
        assert hit.explain and "numpy" in hit.explain["vectors"]
    assert not upstream.requests


async def test_any_question_is_safe(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        await filled(store)
        for query in ("NEAR(", '"', "\0", "*", "\ud800", "💙" * 5000, "' OR 1=1 --"):
            params = MemoryRecallParams.model_construct(query=query, scope=Scope(), limit=10)
            assert [hit.text for hit in await store.recall(params, embedding_for(services))] == ["blue"]


async def test_memory_that_is_not_on_disk_has_them_too() -> None:
    async def embed(model: str, texts: Sequence[str], workspace: str, *, boundary: Boundary | None = None) -> Embedded:
        return Embedded("space", [vector_of(text) for text in texts])

    store = Store(await Database.in_memory())
    await remember(store, "blue")
    vectors = store.open_vectors(embed, "m", lambda: "space")
    await filled(store)
    assert [hit.text for hit in await store.recall(MemoryRecallParams(query="hue"), embed)] == ["blue"]
    await vectors.aclose()
    await store.aclose()


def test_what_has_no_direction_is_empty() -> None:
    assert [as_blob(each) for each in ([0.0, 0.0], [float("inf"), 1.0], [float("nan"), 1.0], [])] == [b""] * 4


def test_what_is_new_is_added_to_what_was_read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "MOST_ROWS", 40)
    monkeypatch.setattr(nearest, "_BEYOND", 10)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE memory_vectors (id INTEGER PRIMARY KEY AUTOINCREMENT, memory, vector)")
        matrices, parts, first = nearest.Matrices(), both_ranges(1), both_ranges(1)[0].first
        for number in range(1, 100):
            vector = as_blob([1.0, number / 100, 0.0])
            connection.execute("INSERT INTO memory_vectors (memory, vector) VALUES (?, ?)", (first + number, vector))
            matrix = matrices.of(connection, Space(1, 3), 1)
            assert min(number, 40) <= len(matrix) <= min(number, 50) and len(matrix.blocks) < 8
            found = matrix.compare(vector, parts).nearest(3)
            assert [row - first for row, _ in found] == [*range(number, max(number - 3, 0), -1)]
            assert found[0][1] == pytest.approx(1) and matrix.compare(vector, []).nearest(3) == []
        # Another row under an id that was given before.
        connection.execute("DELETE FROM memory_vectors WHERE memory = ?", (first + 99,))
        new = as_blob([0.0, 0.0, 1.0])
        connection.execute("INSERT INTO memory_vectors (memory, vector) VALUES (?, ?)", (first + 99, new))
        assert matrices.of(connection, Space(1, 3), 1).compare(new, parts).nearest(2)[0] == (first + 99, 1.0)
