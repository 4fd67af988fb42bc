"""A folder's own file is followed as long as somebody works there."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from agentrouted.core.config.content import Content, read_untrusted
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.own_file import FILE_NAME, OwnFile
from agentrouted.core.config.own_file_reading import own_file_of
from agentrouted.core.config.store import ConfigStore
from agentrouted_protocol.config import ConfigReloadResult

Heard = asyncio.Queue[ConfigReloadResult]


@asynccontextmanager
async def watched(home: Path, *folders: Path) -> AsyncIterator[tuple[ConfigStore, Heard]]:
    """A store that is watched, and what a client in these folders hears."""
    store, heard, places = ConfigStore(Environment({}, home, home)), Heard(), [str(folder) for folder in folders]
    task = asyncio.create_task(store.watch())
    await store.open(places)
    store.subscribe(heard.put_nowait, lambda: places)
    try:
        async with asyncio.timeout(20):
            yield store, heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("folder", [".", "new", "new/and/deep"])
async def test_a_file_may_come_later_its_folder_too(tmp_path: Path, folder: str) -> None:
    async with watched(tmp_path, tmp_path / folder) as (_, heard):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / FILE_NAME).write_text("agents: {poet: }")
        assert (await heard.get()).changed == ["agents.poet"]


async def test_a_file_that_is_emptied_to_be_saved_is_not_taken_for_empty(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_text("agents: {poet: }")
    async with watched(tmp_path, tmp_path) as (_, heard):
        file.write_text("")
        file.write_text("agents: {poet: {max_turns: 1}}")
        assert (await heard.get()).changed == ["agents.poet"]
        assert heard.empty()


async def test_a_folder_that_was_opened_later_is_followed_too(tmp_path: Path) -> None:
    async with watched(tmp_path, tmp_path) as (store, heard):
        await store.open([str(tmp_path / "late")])
        store.subscribe(heard.put_nowait, lambda: [str(tmp_path / "late")])
        (tmp_path / "late").mkdir()
        (tmp_path / "late" / FILE_NAME).write_text("instructions: Hello.")
        assert (await heard.get()).changed == ["instructions"]


async def test_the_folder_is_followed_until_the_last_client_has_gone(tmp_path: Path) -> None:
    store, here = ConfigStore(Environment({}, tmp_path, tmp_path)), [str(tmp_path)]
    (tmp_path / FILE_NAME).write_text("agents: {poet: }")
    await store.open(here)
    await store.open(here)
    store.close(here)
    await store.reload()
    assert "poet" in store.current.in_folders(here).config.agents
    store.close(here)
    await store.reload()
    assert store.current.in_folders(here) is store.current


async def test_for_who_comes_back_at_once_the_file_is_in_force_again(tmp_path: Path) -> None:
    store, here = ConfigStore(Environment({}, tmp_path, tmp_path)), [str(tmp_path)]
    (tmp_path / FILE_NAME).write_text("limits: {boundary: local}")
    await store.open(here)
    store.close(here)
    await store.open(here)
    assert store.current.boundary_in(here) == "local"


async def test_a_folder_that_cannot_be_watched_leaves_the_others(tmp_path: Path) -> None:
    async with watched(tmp_path, Path("/" + "x" * 5000), tmp_path / "a") as (store, heard):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / FILE_NAME).write_text("agents: {poet: }")
        assert (await heard.get()).changed == ["agents.poet"]
        (tmp_path / ".agentroute").mkdir()
        (tmp_path / ".agentroute/config.yaml").write_text("agents: {other: }")
        assert (await heard.get()).changed == ["agents.other"]
        assert store.current.generation == 2


async def test_who_is_not_there_does_not_hear_of_it(tmp_path: Path) -> None:
    store, elsewhere, here = ConfigStore(Environment({}, tmp_path, tmp_path)), Heard(), Heard()
    await store.open([str(tmp_path)])
    store.subscribe(elsewhere.put_nowait)
    store.subscribe(here.put_nowait, lambda: [str(tmp_path)])
    (tmp_path / FILE_NAME).write_text("agents: {poet: {modell: x}}")
    told = await store.reload([str(tmp_path)])
    await asyncio.sleep(0)
    assert not told.ok and here.get_nowait() == told
    assert elsewhere.empty() and store.current.is_good


async def test_a_disk_that_does_not_answer_holds_up_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def read_slowly(file: Path) -> Content:
        if file.parent.name == "dead":
            answers.wait()
        return read_untrusted(file)

    monkeypatch.setattr("agentrouted.core.config.own_files.read_untrusted", read_slowly)
    dead, fine = [str(tmp_path / "dead")], [str(tmp_path)]
    (tmp_path / FILE_NAME).write_text("agents: {poet: }")
    async with watched(tmp_path, tmp_path / "dead") as (store, heard):
        assert store.current.in_folders(dead).in_doubt and store.current.boundary_in(dead) == "local"
        await store.open(fine)
        assert "poet" in store.current.in_folders(fine).config.agents
        (tmp_path / ".agentroute").mkdir()
        (tmp_path / ".agentroute/config.yaml").write_text("agents: {other: }")
        assert (await heard.get()).changed == ["agents.other"]
        answers.set()
        while store.current.in_folders(dead).in_doubt:
            await heard.get()
        assert store.current.boundary_in(dead) is None


async def test_a_machine_that_is_slow_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()

    def check_slowly(file: Path, content: Content, before: OwnFile | None) -> OwnFile | None:
        goes_on.wait()
        return own_file_of(file, content, before)

    monkeypatch.setattr("agentrouted.core.config.own_files.own_file_of", check_slowly)
    monkeypatch.setattr("agentrouted.core.config.own_files._PATIENCE", 0.2)
    (tmp_path / FILE_NAME).write_text("agents: {poet: }")
    store, here = ConfigStore(Environment({}, tmp_path, tmp_path)), [str(tmp_path)]
    opening = asyncio.ensure_future(store.open(here))
    assert not (await asyncio.wait({opening}, timeout=0.4))[0]
    goes_on.set()
    await opening
    assert "poet" in store.current.in_folders(here).config.agents and not store.current.in_folders(here).in_doubt
