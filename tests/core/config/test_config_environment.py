"""Paths that follow from the environment."""

from pathlib import Path

import pytest

from agentrouted.core.config.environment import Environment

HOME = Path("/home/ada")
WORK = Path("/work")


@pytest.mark.parametrize(
    ("explicit", "environ", "path"),
    [
        (None, {}, "/home/ada/.agentroute/config.yaml"),
        (None, {"AGENTROUTE_CONFIG": "/etc/a.yaml"}, "/etc/a.yaml"),
        (None, {"AGENTROUTE_CONFIG": "  "}, "/home/ada/.agentroute/config.yaml"),
        ("b.yaml", {"AGENTROUTE_CONFIG": "/etc/a.yaml"}, "/work/b.yaml"),
        ("~/b.yaml", {}, "/home/ada/b.yaml"),
    ],
)
def test_the_file_that_is_named_nearest_is_the_one(explicit: str | None, environ: dict[str, str], path: str) -> None:
    environment = Environment(environ, HOME, WORK)
    assert environment.config_file(explicit) == Path(path)


def test_without_a_home_nothing_is_looked_for_in_it(tmp_path: Path) -> None:
    environment = Environment({"TMPDIR": str(tmp_path)}, None, WORK)
    assert environment.config_file() is environment.key_file is environment.database_file is None
    assert environment.state_folder == environment.runtime_folder
    assert environment.runtime_folder.parent == tmp_path


def test_what_is_kept_is_not_in_the_folder_of_the_config_which_is_watched() -> None:
    environment = Environment({}, HOME, WORK)
    assert environment.database_file == Path("/home/ada/.agentroute/data/agentrouted.db")


def test_a_database_that_lies_beside_the_config_stays_there(tmp_path: Path) -> None:
    beside = tmp_path / ".agentroute/agentrouted.db"
    beside.parent.mkdir()
    beside.touch()
    assert Environment({}, tmp_path, WORK).database_file == beside


def test_a_database_in_its_own_folder_is_used_whatever_lies_beside_the_config(tmp_path: Path) -> None:
    here = tmp_path / ".agentroute/data/agentrouted.db"
    here.parent.mkdir(parents=True)
    for file in (here, tmp_path / ".agentroute/agentrouted.db"):
        file.touch()
    assert Environment({}, tmp_path, WORK).database_file == here


def test_folders_of_the_desktop_are_used() -> None:
    environment = Environment({"XDG_RUNTIME_DIR": "/run/user/7", "XDG_STATE_HOME": "/state"}, HOME, WORK)
    assert environment.runtime_folder == Path("/run/user/7/agentrouted")
    assert environment.state_folder == Path("/state/agentrouted")


def test_a_relative_folder_of_the_desktop_is_ignored() -> None:
    environment = Environment({"XDG_RUNTIME_DIR": "run", "XDG_STATE_HOME": "state"}, HOME, WORK)
    assert environment.runtime_folder.is_absolute()
    assert environment.state_folder == HOME / ".local/state/agentrouted"


def test_a_process_without_HOME_still_has_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    environment = Environment.of_process()
    assert environment.home is None or environment.home.is_absolute()
    assert "HOME" not in environment.environ


def test_the_environment_is_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment.of_process()
    monkeypatch.setenv("AGENTROUTE_CONFIG", "/later.yaml")
    assert environment.config_file() != Path("/later.yaml")
