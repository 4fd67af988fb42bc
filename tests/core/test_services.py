"""What all runs share, and how its parts end."""

import asyncio
import logging
import sys
import threading
from pathlib import Path

import pytest

from agentrouted.core.config.environment import Environment
from agentrouted.core.services import open_services


async def test_the_end_of_the_config_watcher_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: asyncio.Queue[logging.LogRecord] = asyncio.Queue()
    handler = logging.Handler(logging.ERROR)
    monkeypatch.setattr(handler, "emit", told.put_nowait)
    monkeypatch.setattr(logging.getLogger("agentrouted.core.services"), "handlers", [handler])
    # What cannot be loaded ends the thread that watches.
    monkeypatch.setitem(sys.modules, "watchfiles._rust_notify", None)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    async with open_services(Environment({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path, tmp_path)):
        assert "no longer watched" in (await told.get()).getMessage()


async def test_a_watcher_that_is_stopped_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_services(Environment({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path, tmp_path)):
        pass
    assert caplog.records == []
