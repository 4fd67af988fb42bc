"""Who is asked for embeddings, who pays, and what may leave this machine."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness.embeddings import (
    filled,
    found_by_meaning,
    hits_of,
    looked_at,
    openai,
    texts_in,
    vector_of,
    with_vectors,
)
from harness.hosts import WritingHost
from harness.memories import remember

from agentrouted.core.agent.embedding_calls import embedding_for
from agentrouted.core.agent.runs import Runs
from agentrouted.core.errors import GuardrailBlocked, ProviderUnreachable
from agentrouted.core.health import FAULTS
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.services import Services
from agentrouted.core.usage.call import Caller
from agentrouted.testing.upstream import Received, Reply, Scripted, Upstream
from agentrouted_protocol.memory import MemoryRecallParams
from agentrouted_protocol.runs import RunAgentParams
from agentrouted_protocol.scope import Scope

ACME = "providers: {acme: {api_base: '%s', local: false, models: [{id: m, price: {input: 1000, output: 0}}]}}\n"
_COLUMNS = "kind, status, input_tokens, cost_usd, cost_source, boundary, client, workspace, model, asked"


async def calls(services: Services) -> list[dict[str, Any]]:
    """The ledger's rows, the oldest first."""
    database = await services.database.get()
    await database.flush()
    sql = f"SELECT {_COLUMNS} FROM calls JOIN usage_keys ON usage_keys.id = calls.keys ORDER BY calls.id"
    rows = await database.read(lambda connection: connection.execute(sql).fetchall())
    return [dict(zip(_COLUMNS.split(", "), row, strict=True)) for row in rows]


async def test_every_call_is_in_the_ledger_with_who_asked_and_what_it_cost(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, "acme/m", ACME % upstream.url) as services:
        store = await services.memory.get()
        await remember(store, "blue", scope=Scope(workspace="/here"))
        await filled(store)
        embed = embedding_for(services, Caller(name="an editor", workspace="/there"))
        await store.recall(MemoryRecallParams(query="hue", scope=Scope(workspace="/here")), embed)
        filling, question = await calls(services)
    assert (filling["kind"], filling["status"], filling["input_tokens"]) == ("embedding", "ok", 5)
    assert (filling["cost_usd"], filling["cost_source"], filling["boundary"]) == (0.005, "config", "remote")
    assert (filling["client"], filling["workspace"], filling["asked"]) == ("", "", "acme/m")
    assert (question["client"], question["workspace"]) == ("an editor", "/there")


async def test_a_model_of_this_machine_costs_nothing(tmp_path: Path) -> None:
    local = "providers: {here: {api_base: '%s', local: true}}\n"
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, "here/m", local % upstream.url) as services:
        await remember(store := await services.memory.get(), "blue")
        await filled(store)
        [call] = await calls(services)
    assert (call["cost_usd"], call["cost_source"], call["boundary"]) == (0.0, "local", "local")


async def test_a_budget_that_is_used_up_stops_it_and_words_find(tmp_path: Path) -> None:
    config = ACME + "budgets: {tiny: {usd: 0.04, per: day}}\n"
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, "acme/m", config % upstream.url) as services:
        store = await services.memory.get()
        await remember(store, "blue sky")
        await filled(store)
        await remember(store, "a second fact, which is longer than the first one, and so costs more")
        vectors = await filled(store)
        assert vectors.error and "budget `tiny`" in vectors.error and vectors.missing == 1
        [hit] = await hits_of(services, "the blue sky over all that there is under the sun", explain=True, limit=1)
        assert hit.explain and "budget `tiny`" in hit.explain["vectors"]
    assert texts_in(upstream.requests) == [["blue sky"]]


@pytest.mark.parametrize(
    "boundary", ["daemon: {limits: {boundary: local}}", "models: {v: {endpoints: [acme/m], boundary: local}}"]
)
async def test_nothing_is_sent_beyond_a_boundary_and_that_is_said(tmp_path: Path, boundary: str) -> None:
    model = "v" if "models" in boundary else "acme/m"
    config = f"{ACME}{boundary}\n"
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, model, config % upstream.url) as services:
        await remember(store := await services.memory.get(), "blue")
        vectors = await filled(store)
        assert vectors.error and "boundary" in vectors.error and vectors.missing == 1
        with pytest.raises(GuardrailBlocked):
            await embedding_for(services)(model, ["hue"], "")
    assert not upstream.requests


async def test_what_belongs_to_a_folder_with_a_boundary_stays_and_the_rest_is_filled(tmp_path: Path) -> None:
    config = ACME + "workspaces: {/secret: {boundary: local}}\n"
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, "acme/m", config % upstream.url) as services:
        store = await services.memory.get()
        await remember(store, "blue", scope=Scope(workspace="/secret/plans"))
        await remember(store, "tea", scope=Scope(workspace="/public"))
        await remember(store, "dog")
        vectors = await looked_at(store)
        assert (vectors.done, vectors.missing) == (2, 1) and "boundary" in (vectors.error or "")
        assert await found_by_meaning(services, "beverage", scope=Scope(workspace="/public")) == ["tea"]
        with pytest.raises(GuardrailBlocked):
            await embedding_for(services)("acme/m", ["hue"], "/secret/plans")
    assert "blue" not in str(texts_in(upstream.requests))


async def test_a_chain_fails_over_to_the_same_model_elsewhere_only(tmp_path: Path) -> None:
    providers = "a: {api_base: '%s'}, b: {api_base: '%s'}, c: {api_base: '%s'}"
    config = f"providers: {{{providers}}}\nmodels: {{v: {{endpoints: [a/one, b/two, c/x/One]}}}}\n"
    async with Upstream([Reply.status(401)]) as a, Upstream([openai]) as b, Upstream([openai]) as c:
        a_fails = Upstream([Reply.status(503)])
        async with a_fails, with_vectors(tmp_path, "v", config % (a_fails.url, b.url, c.url)) as services:
            await remember(store := await services.memory.get(), "blue")
            await filled(store)
            assert await found_by_meaning(services, "hue") == ["blue"]
            assert [call["status"] for call in await calls(services)].count("ok") == 2
    assert texts_in(c.requests) == [["blue"], ["hue"]] and not b.requests and not a.requests


async def test_an_ollama_is_asked_in_its_own_format_and_keeps_its_model_as_the_config_says(tmp_path: Path) -> None:
    def ollama(request: Received) -> Reply:
        vectors = [vector_of(text) for text in request.body["input"]]
        return Reply.json({"model": "m", "embeddings": vectors, "prompt_eval_count": 3})

    version = {"/api/version": Reply.json({"version": "0.12.6"})}
    config = "providers: {ollama: {api_base: '%s', keep_alive: 5m}}\n"
    script: list[Scripted] = [ollama]
    async with (
        Upstream(script, beside=version) as upstream,
        with_vectors(tmp_path, "ollama/m", config % upstream.url) as services,
    ):
        await remember(store := await services.memory.get(), "blue")
        await filled(store)
        assert await found_by_meaning(services, "hue") == ["blue"]
        assert [call["input_tokens"] for call in await calls(services)] == [3, 3]
    assert {request.path for request in upstream.requests} == {"/api/embed"}
    assert upstream.requests[0].body == {"model": "m", "input": ["blue"], "keep_alive": "5m"}


async def test_a_server_of_this_machine_that_hangs_up_is_asked_once_more(tmp_path: Path) -> None:
    local = "providers: {here: {api_base: '%s', local: true}}\n"
    script: list[Scripted] = [openai, Reply.hang_up(), openai]
    async with Upstream(script) as upstream, with_vectors(tmp_path, "here/m", local % upstream.url) as services:
        await remember(store := await services.memory.get(), "blue")
        await filled(store)
        assert await found_by_meaning(services, "hue") == ["blue"]


async def test_a_key_that_is_refused_is_fetched_anew_at_once(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("old")

    def changed(request: Received) -> Reply:
        (tmp_path / "key").write_text("new")
        return openai(request) if request.headers["authorization"] == "Bearer new" else Reply.status(401)

    config = "providers: {acme: {api_base: '%s', local: false, api_key: {command: [cat, key]}}}\n"
    async with Upstream([changed]) as upstream, with_vectors(tmp_path, "acme/m", config % upstream.url) as services:
        embedded = await embedding_for(services)("acme/m", ["blue"], "")
    assert len(embedded.vectors) == 1 and len(upstream.requests) == 2


async def test_one_call_tries_who_has_rested_and_the_others_go_elsewhere(tmp_path: Path) -> None:
    providers = "{a: {api_base: '%s', local: false}, b: {api_base: '%s', local: false}}"
    chain = f"providers: {providers}\nmodels: {{v: {{endpoints: [a/m, b/m]}}}}\n"
    async with (
        Upstream([Reply.silence()]) as a,
        Upstream([openai]) as b,
        with_vectors(tmp_path, "v", chain % (a.url, b.url)) as services,
    ):
        first = resolve(services.config.current, "v").endpoints[0].endpoint
        for _ in range(FAULTS):
            services.health.failed(first, ProviderUnreachable("gone", retry_after=0.0))
        trial = asyncio.create_task(embedding_for(services)("v", ["blue"], ""))
        await a.received()
        await embedding_for(services)("v", ["tea"], "")
        trial.cancel()
        await asyncio.wait([trial])
    assert texts_in(a.requests) == [["blue"]] and texts_in(b.requests) == [["tea"]]


async def test_a_run_within_a_boundary_recalls_by_words(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, "acme/m", ACME % upstream.url) as services:
        store = await services.memory.get()
        await remember(store, "I like blue skies")
        await filled(store)
        async with Upstream() as talking:
            memory = {"recall": "auto", "scope": {}}
            params = {"model": f"{talking.url}/m", "prompt": "Which skies?", "memory": memory, "boundary": "local"}
            runs = Runs(services)
            await runs.start(RunAgentParams.model_validate(params), WritingHost()).result()
            await runs.aclose()
        assert "I like blue skies" in str(talking.requests[0].body)
    assert texts_in(upstream.requests) == [["I like blue skies"]]


async def test_a_run_is_not_told_all_that_is_there_only_because_it_is_nearest(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        for number in range(9):
            await remember(store, f"the bus takes {number} minutes")
        for text in ("I like blue", "lunch is at noon", "lunch is at one"):
            await remember(store, text)
        await filled(store)
        async with Upstream() as talking:
            memory = {"recall": "auto", "scope": {}}
            params = {"model": f"{talking.url}/m", "prompt": "Which hue at lunch?", "memory": memory}
            runs, host = Runs(services), WritingHost()
            await runs.start(RunAgentParams.model_validate(params), host).result()
            await runs.aclose()
    [recalled] = [event for event in host.events if event.kind == "recall"]
    texts = [hit.text for hit in recalled.hits]
    assert {"I like blue", "lunch is at noon", "lunch is at one"} < set(texts) and len(texts) == 2 + 5
    assert all(hit.explain is None for hit in recalled.hits)


async def test_a_run_that_recalls_pays_for_its_question(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, with_vectors(tmp_path, "acme/m", ACME % upstream.url) as services:
        store = await services.memory.get()
        await remember(store, "I like blue")
        await filled(store)
        async with Upstream() as talking:
            memory = {"recall": "auto", "scope": {}}
            params = {"model": f"{talking.url}/test-model", "prompt": "Which hue?", "memory": memory}
            runs, host = Runs(services), WritingHost()
            result = await runs.start(RunAgentParams.model_validate(params), host).result()
            await runs.aclose()
        assert "recall" in host.kinds and "I like blue" in str(talking.requests[0].body)
        assert result.usage.model_calls == 2
        assert [call["kind"] for call in await calls(services)] == ["embedding", "embedding", "turn"]


async def test_what_is_said_in_a_run_stays_within_its_boundary_later_on(tmp_path: Path) -> None:
    folder = str(tmp_path / "private")
    config = ACME + f"workspaces: {{'{folder}': {{boundary: local}}}}\nagents: {{doctor: {{boundary: local}}}}\n"
    async with (
        Upstream([Reply.text("fine")]) as here,
        Upstream([openai]) as cloud,
        with_vectors(tmp_path, "acme/m", config % cloud.url) as services,
    ):
        runs, model = Runs(services), f"{here.url}/m"
        for said, caller in (
            ({"boundary": "local"}, Caller()),
            ({"agent": "doctor"}, Caller()),
            ({}, Caller(workspace=folder, folders=(folder,))),
        ):
            params = RunAgentParams.model_validate({"model": model, "prompt": "blue", "sessionId": "s", **said})
            await runs.start(params, WritingHost(), caller=caller).result()
        filler = await looked_at(await services.memory.get())
        assert filler.error and (filler.done, filler.missing) == (0, 6)
        await runs.aclose()
    assert cloud.requests == []
