"""The job that makes the vectors that are missing."""

import asyncio
import itertools
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from harness.embeddings import (
    cloud,
    count,
    filled,
    found_by_meaning,
    hits_of,
    looked_at,
    openai,
    texts_in,
    vector_of,
    with_vectors,
)
from harness.memories import HERE, THERE, forget, remember, says

from agentrouted.core.agent.configured_vectors import vectors_filled
from agentrouted.core.config.environment import Environment
from agentrouted.core.endpoint import Boundary
from agentrouted.core.erasing import forget_everything
from agentrouted.core.memory.store import Store
from agentrouted.core.memory.vectors import rows
from agentrouted.core.memory.vectors.embed import Embedded
from agentrouted.core.services import open_services
from agentrouted.core.storage.database import Database
from agentrouted.testing.upstream import Received, Reply, Scripted, Upstream
from agentrouted_protocol.memory import (
    MemoryExportParams,
    MemoryImportParams,
    MemoryRememberParams,
)


async def test_a_fact_that_is_replaced_gets_a_new_vector(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue", key="best")
        await remember(store, "nothing")
        await filled(store)
        await remember(store, "tea", key="best")
        await filled(store)
        assert await count(services) == 2
        assert (await found_by_meaning(services, "beverage"))[0] == "tea"
        assert (await hits_of(services, "hue", explain=True))[0].explain != {"similarity": 1.0}
    assert texts_in(upstream.requests)[1] == ["best: tea"]


async def test_what_is_forgotten_leaves_no_vector(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue", key="color")
        await remember(store, "tea", tags=["drink"])
        await remember(store, "gone soon", expires_at="2999-01-01")
        await store.add_messages("s", [says("a dog"), says("a car")])
        assert (await filled(store)).done == 5
        await forget(store, key="color")
        await forget(store, filter={"tags": ["drink"]})
        assert await count(services) == 3
        await store.clear_messages("s")
        assert await count(services) == 1
        database = await services.database.get()
        await database.write(lambda connection: connection.execute("UPDATE memories SET expires_at = 1"))
        await store.sweep()
        assert await count(services) == 0
        assert await found_by_meaning(services, "hue") == []


async def test_a_scope_in_the_place_of_one_that_was_forgotten_gets_its_vectors(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        for scope, text in ((HERE, "blue"), (THERE, "tea")):
            await remember(store, text, scope=scope)
            await filled(store)
            assert await count(services) == 1
            await forget(store, scope=scope)
    assert texts_in(upstream.requests) == [["blue"], ["tea"]]


async def test_the_file_has_none_of_its_bytes_when_everything_was_forgotten(tmp_path: Path) -> None:
    blob = rows.as_blob(vector_of("blue tea", 64))
    wide = partial(openai, dimensions=64)
    async with Upstream([wide]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue tea", scope=HERE)
        await filled(store)
        path = (await services.database.get()).path
    assert any(blob in file.read_bytes() for file in path.parent.glob(f"{path.name}*") if file.is_file())
    assert not forget_everything(path, HERE).left
    assert not any(blob in file.read_bytes() for file in path.parent.glob(f"{path.name}*") if file.is_file())


async def test_another_model_gets_all_anew_and_the_old_ones_go(tmp_path: Path) -> None:
    wide = partial(openai, dimensions=16)
    async with Upstream([wide]) as other, Upstream([openai]) as one, with_vectors(tmp_path, f"{one.url}/m") as services:
        await remember(store := await services.memory.get(), "blue")
        await filled(store)
        (tmp_path / ".agentroute/config.yaml").write_text(f"memory: {{vectors: {{model: '{other.url}/n'}}}}")
        before = store.vectors
        await services.config.reload()
        while store.vectors is before:
            await asyncio.sleep(0)
        await filled(store)
        assert await count(services, "SELECT dimensions FROM memory_spaces") == 16
        assert await count(services, "SELECT length(vector) FROM memory_vectors") == 64
        assert await found_by_meaning(services, "hue") == ["blue"]
        (tmp_path / ".agentroute/config.yaml").write_text("")
        await services.config.reload()
        while store.vectors is not None:
            await asyncio.sleep(0)
        assert await found_by_meaning(services, "hue") == []
    assert texts_in(other.requests) == [["blue"], ["hue"]] and texts_in(one.requests) == [["blue"]]


async def test_a_model_that_makes_others_than_before_fills_anew(tmp_path: Path) -> None:
    wide = partial(openai, dimensions=16)
    async with Upstream([openai, wide]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        await filled(store)
        await remember(store, "tea")
        await filled(store)
        assert await count(services, "SELECT COUNT(*) FROM memory_vectors WHERE length(vector) = 64") == 2
        assert (await found_by_meaning(services, "hue"))[0] == "blue"


async def test_a_model_whose_vectors_change_length_again_and_again_is_not_asked_for_ever(tmp_path: Path) -> None:
    lengths = itertools.cycle([8, 16])
    async with (
        Upstream([lambda request: openai(request, next(lengths))]) as upstream,
        with_vectors(tmp_path, f"{upstream.url}/m") as services,
    ):
        store = await services.memory.get()
        await asyncio.gather(*(remember(store, f"fact {number}") for number in range(100)))
        filler = await filled(store)
        assert filler.error and "8" in filler.error and "16" in filler.error
    assert len(upstream.requests) < 10


async def test_what_was_there_before_and_what_is_imported_is_filled_in_batches(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream:
        async with with_vectors(tmp_path, "nowhere/m") as services:
            store = await services.memory.get()
            for number in range(50):
                await remember(store, f"fact {number}")
            exported = (await store.export(MemoryExportParams())).text or ""
        async with with_vectors(tmp_path, f"{upstream.url}/m") as services:
            store = await services.memory.get()
            assert (await filled(store)).done == 50
            await store.import_(
                MemoryImportParams(text=exported.replace('"id":"0', '"id":"1').replace("fact ", "this "))
            )
            assert (await filled(store)).done == 100
    assert [*map(len, texts_in(upstream.requests))] == [32, 18, 32, 18]


async def test_vectors_are_not_exported(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        before = (await store.export(MemoryExportParams())).text
        await filled(store)
        assert (await store.export(MemoryExportParams())).text == before


async def test_two_daemons_do_not_fill_the_same_twice(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream:
        async with with_vectors(tmp_path, "nowhere/m") as services:
            store = await services.memory.get()
            for number in range(100):
                await remember(store, f"fact {number}")
        model = f"{upstream.url}/m"
        async with with_vectors(tmp_path, model) as one, with_vectors(tmp_path, model) as two:
            stores = [await one.memory.get(), await two.memory.get()]
            assert [(await filled(store)).done for store in stores] == [100, 100]
            assert await found_by_meaning(two, "fact 7") == await found_by_meaning(one, "fact 7")
    asked = [text for texts in texts_in(upstream.requests) for text in texts if text != "fact 7"]
    assert sorted(asked) == sorted(f"fact {number}" for number in range(100) if number != 7)


async def test_who_had_nothing_to_fill_does_not_replace_the_model_of_a_daemon_that_began_later(tmp_path: Path) -> None:
    async def embed(model: str, texts: Sequence[str], workspace: str, *, boundary: Boundary | None = None) -> Embedded:
        return Embedded(model, [vector_of(text) for text in texts])

    store, later = [Store(await Database.open(tmp_path / "memory.db")) for _ in range(2)]
    await remember(store, "blue")
    before = store.open_vectors(embed, "one", lambda: "one")
    await filled(store)
    await before.aclose()
    opened = [store.open_vectors(embed, "one", lambda: "one")]
    await filled(store)
    opened.append(later.open_vectors(embed, "other", lambda: "other"))
    await filled(later)
    await remember(store, "tea")
    assert "another daemon" in str((await filled(store)).error)
    for vectors in opened:
        await vectors.aclose()
    for each in (store, later):
        await each.aclose()


async def test_a_text_that_the_model_does_not_take_is_shortened_or_left_out(tmp_path: Path) -> None:
    def strict(request: Received) -> Reply:
        if any(len(text) > 600 or "odd" in text for text in request.body["input"]):
            return Reply.status(500, {"error": {"message": "input (3001 tokens) is too large to process"}})
        return openai(request)

    async with Upstream([strict]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        for text in ("blue", "tea " * 500, "odd"):
            await remember(store, text)
        assert (await filled(store)).missing == 0
        assert [hit.explain for hit in await hits_of(services, "odd", explain=True) if hit.text == "odd"]
        assert (await found_by_meaning(services, "beverage"))[0].startswith("tea tea")
        assert await count(services, "SELECT COUNT(*) FROM memory_vectors WHERE length(vector) = 0") == 1


async def test_a_fault_of_a_server_elsewhere_leaves_no_text_out(tmp_path: Path) -> None:
    fault = Reply.status(500, {"error": {"message": "internal error"}})
    async with (
        Upstream([fault, openai]) as upstream,
        with_vectors(tmp_path, "acme/m", cloud(upstream)) as services,
    ):
        store = await services.memory.get()
        await remember(store, "blue")
        filler = await filled(store)
        assert filler.error and "500" in filler.error
        filler.look_anew()
        assert (await filled(store)).done == 1
        assert await count(services, "SELECT COUNT(*) FROM memory_vectors WHERE vector != ''") == 1
    assert texts_in(upstream.requests) == [["blue"], ["blue"]]


async def test_a_server_that_comes_back_is_asked_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script: list[Scripted] = [Reply.status(503), openai]
    async with Upstream(script) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        vectors = await filled(store)
        assert vectors.error and "503" in vectors.error and not vectors.is_complete
        while not vectors.is_complete:
            await vectors.news()
        assert vectors.error is None and await found_by_meaning(services, "hue") == ["blue"]
    assert len([record for record in caplog.records if "has not all its vectors" in record.message]) == 1


async def test_a_change_of_the_config_is_reason_to_try_at_once(tmp_path: Path) -> None:
    script: list[Scripted] = [Reply.status(429, headers={"retry-after": "250"}), openai]
    async with Upstream(script) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        filler = await filled(store)
        assert filler.error and "429" in filler.error
        with (tmp_path / ".agentroute/config.yaml").open("a") as file:
            file.write("daemon: {idle_timeout: 1}\n")
        await services.config.reload()
        while not filler.is_complete:
            await filler.news()
        assert store.vectors and store.vectors.filler is filler and filler.done == 1


async def test_a_model_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    async with with_vectors(tmp_path, "ollama/") as services:
        vectors = await filled(await services.memory.get())
    assert vectors.model == "ollama/" and vectors.error and not vectors.is_complete


async def test_nothing_is_filled_any_more_when_it_ends_while_memory_is_opened(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text("memory: {vectors: {model: 'http://127.0.0.1:9/v1/m'}}")
    environment = Environment({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path, tmp_path)
    async with open_services(environment) as services:
        async with vectors_filled(services):
            pass
        assert (await services.memory.get()).vectors is None


async def test_who_waits_after_the_config_was_mended_is_not_told_the_old_fault(tmp_path: Path) -> None:
    script: list[Scripted] = [Reply.status(503), openai]
    async with Upstream(script) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        filler = await filled(store)
        assert filler.error
        filler.look_anew()
        await filled(store)
        assert filler.is_complete and filler.error is None


async def test_who_has_nothing_to_do_takes_no_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        assert not (await filled(store)).error
        with monkeypatch.context() as patch:
            patch.delattr(rows, "take_turn")
            await forget(store, key="none")
            (await filled(store)).look_everywhere()
            assert not (await filled(store)).error


async def test_all_methods_are_whole_in_the_file(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        await remember(store := await services.memory.get(), "blue")
        await filled(store)
        path = (await services.database.get()).path
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT filler FROM memory_spaces").fetchall() == [(None,)]


async def test_what_was_said_within_a_boundary_is_never_sent_beyond_it(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, "acme/m", cloud(upstream)) as services:
        store = await services.memory.get()
        await store.remember(MemoryRememberParams(text="my private blue"), boundary="local")
        await store.add_messages("s", [says("a private drink")], boundary="local")
        await store.add_messages("s", [says("a drink for all")])
        await remember(store, "blue for all")
        filler = await looked_at(store)
        assert filler.error and "local" in filler.error and (filler.done, filler.missing) == (2, 2)
    assert sorted(text for texts in texts_in(upstream.requests) for text in texts) == [
        "a drink for all",
        "blue for all",
    ]


async def test_what_is_said_again_stays_within_the_strictest_boundary_that_it_was_said_within(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, "acme/m", cloud(upstream)) as services:
        store = await services.memory.get()
        for boundary in ("local", None):
            await store.remember(MemoryRememberParams(text="blue"), boundary=boundary)
            await store.remember(MemoryRememberParams(text=f"tea {boundary}", key="drink"), boundary=boundary)
        filler = await looked_at(store)
        assert filler.error and filler.missing == 2
    assert upstream.requests == []


async def test_a_model_of_this_machine_has_what_was_said_within_a_boundary(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        boundaries: Sequence[Boundary | None] = (None, "local", "free", None, "local")
        for number, boundary in enumerate(boundaries):
            await store.remember(MemoryRememberParams(text=f"blue {number}"), boundary=boundary)
            await store.add_messages("s", [says(f"tea {number}")], boundary=boundary)
        filler = await filled(store)
        assert (filler.done, filler.missing, filler.error) == (10, 0, None)
        await store.remember(MemoryRememberParams(text="blue 5"), boundary="local")
        assert (await filled(store)).done == 11
    assert len([text for texts in texts_in(upstream.requests) for text in texts]) == 11


async def test_what_an_import_brings_within_a_boundary_has_its_vector_though_a_later_one_has(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "blue")
        await store.remember(MemoryRememberParams(text="tea"), boundary="local")
        await filled(store)
        # As where the model was away when it was written.
        database = await services.database.get()
        sql = "DELETE FROM memory_vectors WHERE memory = (SELECT id FROM memories WHERE text = 'blue')"
        await database.write(lambda connection: connection.execute(sql))
        exported = (await store.export(MemoryExportParams())).text
        await store.import_(MemoryImportParams(text=exported), boundary="local")
        await filled(store)
        assert await count(services) == 2


async def test_who_ends_in_mid_call_hangs_up(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream:
        async with with_vectors(tmp_path, f"{upstream.url}/m") as services:
            await remember(await services.memory.get(), "blue")
            request = await upstream.received()
        await request.closed_early.wait()
