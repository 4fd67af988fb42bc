"""Engines, in a folder of their own."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agentrouted.core.local.engine import Engines


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, as a socket's path has to be; the engine makes it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:
        yield Path(parent) / "engines"


@pytest.fixture
async def engines(folder: Path) -> AsyncIterator[Engines]:
    engines = Engines(folder)
    yield engines
    await engines.aclose()
