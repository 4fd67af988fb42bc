"""Memories of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentrouted.core.memory.opening import SharedStore
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.shared import SharedDatabase


@pytest.fixture(params=["on disk", "in memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "data" / "memory.db" if request.param == "on disk" else None
    shared = SharedStore(SharedDatabase(path))
    yield await shared.get()
    await shared.aclose()
    assert path is None or path.exists()
