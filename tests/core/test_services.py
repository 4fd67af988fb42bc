"""What all runs share, and how its parts end."""

import asyncio
import logging
import sys
import threading
from pathlib import Path

import pytest

from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import Storage
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


async def test_nothing_is_left_running_when_they_end_before_the_memory_is_open(tmp_path: Path) -> None:
    retention_in(tmp_path)
    async with open_services(Environment({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path, tmp_path)):
        assert len(asyncio.all_tasks()) > 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_memory_that_cannot_forget_is_logged_and_the_rest_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    retention_in(tmp_path)
    monkeypatch.setitem(sys.modules, "agentrouted.core.memory.store", None)
    async with open_services(Environment({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path, tmp_path)) as services:
        database = await services.database.get()
        with pytest.raises(ImportError):
            await services.memory.get()
    assert [record.getMessage() for record in caplog.records] == [
        "what is remembered is kept longer than `memory.retention` says",
        "not all could be closed",
    ]
    with pytest.raises(Storage):
        await database.flush()


def retention_in(home: Path) -> None:
    (home / ".agentroute/data").mkdir(parents=True)
    (home / ".agentroute/config.yaml").write_text("memory: {retention: [{kinds: [note], keep_days: 30}]}")
    (home / ".agentroute/data/agentrouted.db").touch()
