"""Memory that finds by meaning, with a real server of embeddings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from harness.embeddings import openai, texts_in
from harness.memories import HERE, THERE, remember

from agentrouted.core.agent.embedding import embedding_for
from agentrouted.core.agent.filling import vectors_filled
from agentrouted.core.config.environment import Environment
from agentrouted.core.memory.store import Store
from agentrouted.core.memory.vectors.vectors import Vectors
from agentrouted.core.services import Services, open_services
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.memory import MemoryRecallParams


@asynccontextmanager
async def opened(home: Path, model: str, more: str = "") -> AsyncIterator[Services]:
    (home / ".agentroute").mkdir(exist_ok=True)
    (home / ".agentroute/config.yaml").write_text(f"memory: {{vectors: {{model: '{model}'}}}}\n{more}")
    environment = Environment({"XDG_RUNTIME_DIR": str(home)}, home, home)
    async with open_services(environment) as services, vectors_filled(services):
        yield services


async def filled(store: Store) -> Vectors:
    vectors = store.vectors
    assert vectors is not None
    while not vectors.is_complete and vectors.error is None:
        await vectors.news()
    return vectors


async def found(services: Services, query: str, **more: object) -> list[str]:
    params = MemoryRecallParams.model_validate({"query": query, **more})
    store = await services.memory.get()
    return [hit.text for hit in await store.recall(params, embedding_for(services))]


async def test_what_means_the_same_is_found_without_a_word_in_common(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, opened(tmp_path, f"{upstream.url}/m") as services:
        store = await services.memory.get()
        await remember(store, "I like blue", scope=HERE)
        await remember(store, "Rex barks", scope=HERE)
        await remember(store, "vehicle", scope=THERE)
        await filled(store)
        assert await found(services, "favourite hue", scope=HERE) == ["I like blue", "Rex barks"]
        assert await found(services, "a pet", scope=HERE) == ["Rex barks", "I like blue"]
        assert await found(services, "a pet") == []
    assert texts_in(upstream.requests)[-2:] == [["favourite hue"], ["a pet"]]
