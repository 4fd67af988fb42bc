"""Memory with vectors, and a model server that knows what a few words mean."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentrouted.core.agent.configured_vectors import vectors_filled
from agentrouted.core.agent.embedding_calls import embedding_for
from agentrouted.core.config.environment import Environment
from agentrouted.core.memory.store import Store
from agentrouted.core.memory.vectors.filler import Filler
from agentrouted.core.services import Services, open_services
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.memory import MemoryHit, MemoryRecallParams

MEANINGS = ({"color", "colour", "blue", "hue"}, {"tea", "drink", "beverage"}, {"dog", "pet", "rex"}, {"car", "vehicle"})
"""Words that mean nearly the same: a text has one direction for each set that it has words of."""


def vector_of(text: str, dimensions: int = 8) -> list[float]:
    words = [word.strip(".,?!:").casefold() for word in text.split()]
    known = [float(sum(word in meaning for word in words)) for meaning in MEANINGS]
    # What it does not know points somewhere else.
    return [*known, 0.1, *[0.0] * (dimensions - len(MEANINGS) - 1)]


def openai(request: Received, dimensions: int = 8) -> Reply:
    """`POST /v1/embeddings`, out of order."""
    texts = request.body["input"]
    data = [{"index": place, "embedding": vector_of(text, dimensions)} for place, text in enumerate(texts)]
    usage = {"prompt_tokens": 5 * len(texts), "total_tokens": 5 * len(texts)}
    return Reply.json({"object": "list", "model": "served", "data": data[::-1], "usage": usage})


def texts_in(requests: Sequence[Received]) -> list[list[Any]]:
    """What was asked, call by call."""
    return [request.body["input"] for request in requests]


@asynccontextmanager
async def with_vectors(home: Path, model: str, more: str = "") -> AsyncIterator[Services]:
    """Services whose memory is filled with vectors of this model."""
    (home / ".agentroute").mkdir(exist_ok=True)
    (home / ".agentroute/config.yaml").write_text(f"memory: {{vectors: {{model: '{model}'}}}}\n{more}")
    environment = Environment({"XDG_RUNTIME_DIR": str(home)}, home, home)
    async with open_services(environment) as services, vectors_filled(services):
        yield services


async def filled(store: Store) -> Filler:
    """When nothing is missing, or no more can be made."""
    assert store.vectors is not None
    filler = store.vectors.filler
    while not filler.is_complete and filler.error is None:
        await filler.news()
    return filler


async def looked_at(store: Store) -> Filler:
    """When nothing is missing but what a boundary keeps back."""
    assert store.vectors is not None
    filler = store.vectors.filler
    while not filler.is_complete:
        await filler.news()
    return filler


async def hits_of(services: Services, query: str, **more: object) -> list[MemoryHit]:
    params = MemoryRecallParams.model_validate({"query": query, **more})
    return await (await services.memory.get()).recall(params, embedding_for(services))


async def found_by_meaning(services: Services, query: str, **more: object) -> list[str]:
    return [hit.text for hit in await hits_of(services, query, **more)]


def cloud(upstream: Upstream) -> str:
    """The config of one that is not of this machine."""
    return f"providers: {{acme: {{api_base: '{upstream.url}', local: false, models: [{{id: m}}]}}}}\n"


async def count(services: Services, sql: str = "SELECT COUNT(*) FROM memory_vectors") -> int:
    database = await services.database.get()
    counted: int = await database.read(lambda connection: connection.execute(sql).fetchone()[0])
    return counted
