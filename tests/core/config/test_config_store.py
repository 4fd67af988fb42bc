"""The configuration in force, and what a reload does to it."""

import asyncio
import os
from pathlib import Path

import pytest

from agentrouted.core.config.environment import Environment
from agentrouted.core.config.model import Config
from agentrouted.core.config.store import ConfigStore
from agentrouted.core.errors import ModelUnresolved
from agentrouted.core.routing.resolve import resolve
from agentrouted_protocol.config import ConfigReloadResult

GOOD = "agents: {poet: {max_turns: 3}}"
OTHER = "agents: {poet: {max_turns: 4}}"
BAD = "agents: {poet: {max_turn: 4}}"


def home_with(home: Path, text: str | None, keys: str | None = None) -> Environment:
    folder = home / ".agentroute"
    folder.mkdir(exist_ok=True)
    if text is not None:
        (folder / "config.yaml").write_text(text)
    if keys is not None:
        (folder / "config").write_text(keys)
    return Environment({}, home, home)


def told(store: ConfigStore) -> list[ConfigReloadResult]:
    results: list[ConfigReloadResult] = []
    store.subscribe(results.append)
    return results


async def test_a_good_file_is_the_first_generation(tmp_path: Path) -> None:
    snapshot = ConfigStore(home_with(tmp_path, GOOD, "api_key=k")).current
    assert (snapshot.generation, snapshot.is_good, snapshot.problems) == (1, True, ())
    assert (snapshot.config.agents["poet"].max_turns, snapshot.keyfile) == (3, {"api_key": "k"})
    assert snapshot.path == tmp_path / ".agentroute/config.yaml"


async def test_a_file_that_is_broken_at_the_start_leaves_the_defaults(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, BAD))
    assert (store.current.generation, store.current.config, store.current.is_good) == (0, Config(), False)
    assert [problem.path for problem in store.current.problems] == ["agents.poet.max_turn"]


@pytest.mark.parametrize("before", [None, GOOD])
async def test_what_a_broken_file_names_goes_nowhere_else(tmp_path: Path, before: str | None) -> None:
    store = ConfigStore(home_with(tmp_path, before))
    home_with(tmp_path, 'providers:\n  "Team": {api_base: https://gpu.lan/v1}\nmodels:\n  fast: team/m\n  [')
    await store.reload()
    for model in ("team/m", "TEAM/other", "fast"):
        with pytest.raises(ModelUnresolved):
            resolve(store.current, model)
    assert [resolve(store.current, model).rule for model in ("ollama/m", "gpt-4o")] == ["provider", "openrouter"]


async def test_a_broken_file_leaves_the_last_good_one_until_it_is_mended(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, GOOD))
    good, results = store.current, told(store)
    home_with(tmp_path, BAD)
    broken = await store.reload()
    assert (broken.ok, broken.generation, broken.changed) == (False, 1, [])
    assert store.current.config == good.config
    assert store.current.problems == tuple(broken.problems)
    home_with(tmp_path, OTHER)
    mended = await store.reload()
    assert (mended.ok, mended.generation, mended.changed, mended.problems) == (True, 2, ["agents.poet"], [])
    await asyncio.sleep(0)
    assert results == [broken, mended]


async def test_a_run_in_flight_keeps_its_snapshot(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, GOOD))
    kept = store.current
    home_with(tmp_path, OTHER)
    await store.reload()
    assert kept.config.agents["poet"].max_turns == 3
    assert store.current.config.agents["poet"].max_turns == 4


async def test_the_same_content_is_no_reload(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, GOOD))
    before, results = store.current, told(store)
    home_with(tmp_path, GOOD)
    result = await store.reload()
    await asyncio.sleep(0)
    assert (result.ok, result.generation, result.changed, results) == (True, 1, [], [])
    assert store.current is before


async def test_what_changed_is_named(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, "providers: {a: , b: }\ndaemon: {idle_timeout: 1}\ndefault_provider: a"))
    home_with(tmp_path, "providers: {b: {local: true}, c: }\ndaemon: {log_level: debug}\nmodels: {x: y}", "api_key=k")
    result = await store.reload()
    assert result.changed == [
        "providers.a", "providers.b", "providers.c", "models.x", "default_provider",
        "daemon.idle_timeout", "daemon.log_level", "keyfile",
    ]  # fmt: skip


async def test_keys_are_live_even_while_the_file_is_broken(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, GOOD))
    home_with(tmp_path, BAD, "api_key=k")
    result = await store.reload()
    assert (result.ok, result.generation, result.changed) == (False, 2, ["keyfile"])
    assert store.current.keyfile == {"api_key": "k"}


async def test_a_file_that_is_taken_away_is_the_defaults(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, GOOD))
    (tmp_path / ".agentroute/config.yaml").unlink()
    result = await store.reload()
    assert (result.ok, result.generation, store.current.config) == (True, 2, Config())


@pytest.mark.parametrize("by", ["flag", "variable"])
async def test_a_file_that_was_named_has_to_be_there(tmp_path: Path, by: str) -> None:
    name = str(tmp_path / "mine.yaml")
    environ = {"AGENTROUTE_CONFIG": name} if by == "variable" else {}
    store = ConfigStore(Environment(environ, tmp_path, tmp_path), name if by == "flag" else None)
    assert (store.current.is_good, store.current.problems[0].file) == (False, name)
    Path(name).write_text(GOOD)
    assert (await store.reload()).ok
    Path(name).unlink()
    assert (await store.reload()).ok is False
    assert store.current.config.agents["poet"].max_turns == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
async def test_a_file_that_may_not_be_read_changes_nothing(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, GOOD))
    (tmp_path / ".agentroute/config.yaml").chmod(0)
    assert (await store.reload()).ok is False
    assert store.current.config.agents["poet"].max_turns == 3


async def test_without_a_home_the_defaults_are_in_force(tmp_path: Path) -> None:
    store = ConfigStore(Environment({}, None, tmp_path))
    assert (store.current.config, store.current.path, (await store.reload()).ok) == (Config(), None, True)


async def test_a_subscriber_that_left_is_not_told(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, GOOD))
    results: list[ConfigReloadResult] = []
    leave = store.subscribe(results.append)
    leave()
    home_with(tmp_path, OTHER)
    await store.reload()
    await asyncio.sleep(0)
    assert results == []


async def test_reloads_at_the_same_time_are_one(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, GOOD))
    home_with(tmp_path, OTHER)
    results = await asyncio.gather(*(store.reload() for _ in range(10)))
    assert {result.generation for result in results} == {2}


async def test_a_text_is_checked_without_being_put_in_force(tmp_path: Path) -> None:
    store = ConfigStore(home_with(tmp_path, GOOD))
    (problem,) = await store.validate(BAD)
    assert (problem.path, problem.file) == ("agents.poet.max_turn", str(store.current.path))
    assert await store.validate(OTHER) == []
    assert await store.validate() == []
    home_with(tmp_path, BAD)
    assert len(await store.validate()) == 1
    assert store.current.generation == 1


async def test_the_text_of_a_snapshot_shows_no_key(tmp_path: Path) -> None:
    text = "providers: {g: {api_key: sk-secret}}"
    environment = Environment({"AGENTROUTE_API_KEY": "sk-secret"}, tmp_path, tmp_path)
    home_with(tmp_path, text, "api_key=sk-secret")
    assert "secret" not in repr(ConfigStore(environment).current)
