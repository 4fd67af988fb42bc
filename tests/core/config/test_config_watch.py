"""What is saved is live, however it is saved."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import pytest

from agentrouted.core.config import content, watch
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.store import ConfigStore


class Watched:
    """A home whose configuration is watched."""

    def __init__(self, home: Path) -> None:
        self.folder = home / ".agentroute"
        self.file = self.folder / "config.yaml"
        self.store = ConfigStore(Environment({}, home, home))
        self._told = asyncio.Event()
        self.store.subscribe(lambda result: self._told.set())

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                await self._told.wait()
                self._told.clear()

    async def until_agent(self, name: str | None) -> None:
        await self.until(lambda: list(self.store.current.config.agents) == ([name] if name else []))


@asynccontextmanager
async def watched(home: Path) -> AsyncIterator[Watched]:
    world = Watched(home)
    task = asyncio.create_task(world.store.watch())
    try:
        yield world
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def agent(name: str) -> str:
    return f"agents: {{{name}: }}\n"


def write(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(agent(name))


def replace(path: Path, name: str) -> None:
    beside = path.with_name(".config.yaml.new")
    write(beside, name)
    beside.replace(path)


def replace_by_way_of_a_backup(path: Path, name: str) -> None:
    path.replace(path.with_name("config.yaml~"))
    write(path, name)


def remove_and_write(path: Path, name: str) -> None:
    path.unlink()
    write(path, name)


def append(path: Path, name: str) -> None:
    path.write_text("")
    with path.open("a") as file:
        file.write(agent(name))


def replace_the_folder(path: Path, name: str) -> None:
    new = path.parent.with_name("new")
    write(new / path.name, name)
    path.parent.replace(path.parent.with_name(f"before-{name}"))
    new.replace(path.parent)


def make_the_folder_anew(path: Path, name: str) -> None:
    shutil.rmtree(path.parent)
    write(path, name)


@pytest.fixture(autouse=True)
def only_what_the_system_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second look now and then, which would find what was missed."""
    monkeypatch.setattr(watch, "LOOK_AGAIN", 3_600_000)


@pytest.mark.parametrize(
    "save",
    [
        write,
        replace,
        replace_by_way_of_a_backup,
        remove_and_write,
        append,
        replace_the_folder,
        make_the_folder_anew,
    ],
)
async def test_a_file_is_live_however_it_is_saved(tmp_path: Path, save: Callable[[Path, str], None]) -> None:
    write(tmp_path / ".agentroute/config.yaml", "first")
    async with watched(tmp_path) as world:
        for name in ("second", "third", "fourth"):
            save(world.file, name)
            await world.until_agent(name)


async def test_a_hundred_replacements_are_all_seen(tmp_path: Path) -> None:
    write(tmp_path / ".agentroute/config.yaml", "first")
    async with watched(tmp_path) as world:
        for number in range(100):
            replace(world.file, f"a{number}")
            await world.until_agent(f"a{number}")
        assert world.store.current.generation == 101


async def test_of_replacements_without_a_pause_the_last_is_live(tmp_path: Path) -> None:
    write(tmp_path / ".agentroute/config.yaml", "first")
    async with watched(tmp_path) as world:
        for number in range(100):
            replace(world.file, f"a{number}")
        await world.until_agent("a99")


async def test_a_folder_that_comes_and_goes_is_followed(tmp_path: Path) -> None:
    async with watched(tmp_path) as world:
        for name in ("first", "second"):
            write(world.file, name)
            await world.until_agent(name)
            shutil.rmtree(world.folder)
            await world.until_agent(None)


async def test_folders_that_are_missing_are_waited_for(tmp_path: Path) -> None:
    async with watched(tmp_path / "not/yet") as world:
        write(world.file, "first")
        await world.until_agent("first")
        shutil.rmtree(tmp_path / "not")
        await world.until_agent(None)
        write(world.file, "second")
        await world.until_agent("second")


async def test_both_ends_of_a_link_are_watched(tmp_path: Path) -> None:
    write(tmp_path / "one/a.yaml", "first")
    write(tmp_path / "two/b.yaml", "third")
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").symlink_to(tmp_path / "one/a.yaml")
    async with watched(tmp_path) as world:
        replace(tmp_path / "one/a.yaml", "second")
        await world.until_agent("second")
        point(world.file, "../two/b.yaml")
        await world.until_agent("third")
        write(tmp_path / "two/b.yaml", "fourth")
        await world.until_agent("fourth")


async def test_a_folder_that_is_swapped_by_a_link_is_followed(tmp_path: Path) -> None:
    """As Kubernetes does: the file leads to `..data/config.yaml`, and `..data` to a folder with a date."""
    folder = tmp_path / ".agentroute"
    write(folder / "..1/config.yaml", "first")
    (folder / "..data").symlink_to("..1")
    (folder / "config.yaml").symlink_to("..data/config.yaml")
    async with watched(tmp_path) as world:
        for before, number, name in ((1, 2, "second"), (2, 3, "third")):
            write(folder / f"..{number}/config.yaml", name)
            point(folder / "..data", f"..{number}")
            shutil.rmtree(folder / f"..{before}")
            await world.until_agent(name)


async def test_a_folder_that_is_a_link_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "one/config.yaml", "first")
    write(tmp_path / "two/config.yaml", "third")
    (tmp_path / ".agentroute").symlink_to("one")
    async with watched(tmp_path) as world:
        write(tmp_path / "one/config.yaml", "second")
        await world.until_agent("second")
        point(world.folder, "two")
        await world.until_agent("third")


async def test_the_file_of_keys_is_watched_too(tmp_path: Path) -> None:
    async with watched(tmp_path) as world:
        world.folder.mkdir()
        (world.folder / "config").write_text("api_key=k")
        await world.until(lambda: world.store.current.keyfile == {"api_key": "k"})


async def test_an_included_file_is_watched_too(tmp_path: Path) -> None:
    write(tmp_path / ".agentroute/config.yaml", "own")
    async with watched(tmp_path) as world:
        write(tmp_path / "elsewhere/more.yaml", "first")
        world.file.write_text("include: ../elsewhere/more.yaml")
        await world.until_agent("first")
        replace(tmp_path / "elsewhere/more.yaml", "second")
        await world.until_agent("second")
        (tmp_path / "elsewhere/more.yaml").write_text("agents: [")
        await world.until(lambda: not world.store.current.is_good)
        write(tmp_path / "elsewhere/more.yaml", "third")
        await world.until_agent("third")
        write(world.file, "own")
        await world.until_agent("own")


async def test_a_file_to_include_that_is_missing_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text("include: ../not/yet.yaml")
    async with watched(tmp_path) as world:
        assert not world.store.current.is_good
        write(tmp_path / "not/yet.yaml", "first")
        await world.until_agent("first")
        assert world.store.current.is_good


async def test_a_broken_file_is_told_and_so_is_its_mending(tmp_path: Path) -> None:
    write(tmp_path / ".agentroute/config.yaml", "first")
    async with watched(tmp_path) as world:
        world.file.write_text("agents: [")
        await world.until(lambda: not world.store.current.is_good)
        assert list(world.store.current.config.agents) == ["first"]
        write(world.file, "second")
        await world.until_agent("second")
        assert (world.store.current.generation, world.store.current.problems) == (2, ())


async def test_a_file_in_the_middle_of_being_saved_is_no_wish_for_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "SAVING_LOOKS", 1000)
    write(tmp_path / ".agentroute/config.yaml", "first")
    async with watched(tmp_path) as world, aclosing(watch.changes([world.file])) as stream:
        await anext(stream)
        world.file.write_text("")
        await anext(stream)
        write(world.file, "second")
        await world.until_agent("second")
        assert world.store.current.generation == 2


async def test_what_the_system_does_not_report_is_found_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_AGAIN", 50)
    write(tmp_path / "home/.agentroute/config.yaml", "first")
    write(tmp_path / "other/.agentroute/config.yaml", "second")
    async with watched(tmp_path / "home") as world, aclosing(watch.changes([world.file])) as stream:
        await anext(stream)
        (tmp_path / "home").replace(tmp_path / "before")
        (tmp_path / "other").replace(tmp_path / "home")
        await world.until_agent("second")
        write(world.file, "third")
        await world.until_agent("third")


def test_a_program_that_watches_ends_without_a_word(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib\n"
        "from agentrouted.core.config.watch import changes\n"
        "async def main():\n"
        "    stream = changes([pathlib.Path('config.yaml')])\n"
        "    await anext(stream)\n"
        "asyncio.run(main())\n"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, timeout=30)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def point(link: Path, target: str) -> None:
    beside = link.with_name("..link")
    beside.symlink_to(target)
    beside.replace(link)


async def test_what_else_is_written_in_the_folder_does_not_have_the_files_read_again(tmp_path: Path) -> None:
    file, database = tmp_path / "config.yaml", tmp_path / "agentrouted.db-wal"
    write(file, "one")
    read = []

    async def go_on_writing() -> None:
        # For long enough that it is reported while it goes on.
        until = asyncio.get_running_loop().time() + 4 * watch.DEBOUNCE / 1000
        while asyncio.get_running_loop().time() < until:
            await asyncio.to_thread(database.write_bytes, b"a step of a run")
        replace(file, "two")

    async with asyncio.timeout(10), aclosing(watch.changes([file])) as changes, asyncio.TaskGroup() as tasks:
        async for _ in changes:
            read.append(file.read_text())
            if len(read) == 1:
                tasks.create_task(go_on_writing())
            if read[-1] == agent("two"):
                break
    assert read == [agent("one"), agent("two")]
