"""Journals of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentrouted.core.config.journal import JournalSettings
from agentrouted.core.journal.base import Journal
from agentrouted.core.journal.opening import open_journal


@pytest.fixture(params=["on disk", "in memory"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    path = tmp_path / "data" / "journal.db" if request.param == "on disk" else None
    journal = await open_journal(path, JournalSettings())
    assert (journal.reason is None) == (path is not None)
    yield journal
    await journal.aclose()
