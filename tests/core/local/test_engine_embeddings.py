"""Embeddings by the embedded engine, with the real model."""

import math
from pathlib import Path

import pytest
from harness.embeddings import filled, found_by_meaning, with_vectors
from harness.engines import ask, chat
from harness.memories import remember

from agentrouted.core.local.engine import Engines
from agentrouted.core.local.process import EngineSettings

pytestmark = pytest.mark.model

TEXTS = ["My favorite color is blue.", "The car is in the garage."]


async def test_a_model_makes_one_vector_of_each_text_beside_the_process_that_talks(
    engines: Engines, demo_model: Path
) -> None:
    engine = await engines.open(demo_model, EngineSettings(embeddings=True))
    status, reply = await ask(engine, "/v1/embeddings", {"input": TEXTS})
    vectors = [each["embedding"] for each in reply["data"]]
    assert status == 200 and {len(vector) for vector in vectors} == {576}
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-3) for vector in vectors)
    talking = await engines.open(demo_model)
    assert talking.pid != engine.pid and (await chat(talking))["content"]
    assert (await ask(talking, "/v1/embeddings", {"input": TEXTS}))[0] == 501
    assert engines.running == [demo_model]


async def test_memory_is_filled_by_it_and_found_with_it(tmp_path: Path, demo_model: Path) -> None:
    folder = tmp_path / ".agentroute/models"
    folder.mkdir(parents=True)
    (folder / "demo.gguf").symlink_to(demo_model)
    async with with_vectors(tmp_path, "local/demo") as services:
        store = await services.memory.get()
        for text in TEXTS:
            await remember(store, text)
        vectors = await filled(store)
        assert (vectors.done, vectors.missing, vectors.error) == (2, 0, None)
        found = await found_by_meaning(services, TEXTS[1].upper())
        assert found == TEXTS[::-1]
