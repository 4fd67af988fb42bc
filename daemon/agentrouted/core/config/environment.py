"""The process environment, read once, and paths from it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from agentrouted_protocol.rendezvous import runtime_folder


@dataclass(frozen=True)
class Environment:
    """What the process was started with: the only place, beside `cli`, that looks at it."""

    environ: Mapping[str, str]
    home: Path | None
    """None for a user without a home; then what would live there is left out, or has to be named."""

    cwd: Path

    @classmethod
    def of_process(cls) -> "Environment":
        environ = dict(os.environ)
        return cls(environ, home_of(environ), _cwd())

    @property
    def config_folder(self) -> Path | None:
        return self.home / ".agentroute" if self.home else None

    @cached_property
    def key_file(self) -> Path | None:
        """Plain `key=value` lines."""
        return self.config_folder / "config" if self.config_folder else None

    @property
    def database_file(self) -> Path | None:
        """What is kept of runs and remembered; None for a user without a home."""
        if self.config_folder is None:
            return None
        # In a folder of its own: that of the config is watched, and each write in there would wake the watch, which
        # takes a quarter of what it costs to remember a fact. One that lies beside the config already stays there.
        here, beside = (self.config_folder / name for name in ("data/agentrouted.db", "agentrouted.db"))
        # Where we may not look, `exists` of a path would be an error.
        return beside if os.path.exists(beside) and not os.path.exists(here) else here  # noqa: PTH110

    @property
    def runtime_folder(self) -> Path:
        """For the socket and its lock; whoever makes it sees to it that it is ours, with mode 0700."""
        return runtime_folder(self.environ)

    @property
    def state_folder(self) -> Path:
        """For logs."""
        if state := self._folder_named("XDG_STATE_HOME"):
            return state / "agentrouted"
        return self.home / ".local/state/agentrouted" if self.home else self.runtime_folder

    @property
    def cache_folder(self) -> Path | None:
        """For what can be made anew; None for a user without a home."""
        if cache := self._folder_named("XDG_CACHE_HOME"):
            return cache / "agentrouted"
        return self.home / ".cache/agentrouted" if self.home else None

    def config_file(self, explicit: str | None = None) -> Path | None:
        """`--config`, else `AGENTROUTE_CONFIG`, else the file in the home folder. It need not exist."""
        named = self.named_config_file(explicit)
        return named or (self.config_folder / "config.yaml" if self.config_folder else None)

    def named_config_file(self, explicit: str | None = None) -> Path | None:
        """The file that somebody asked for by name, so that its absence is an error."""
        name = explicit or self.environ.get("AGENTROUTE_CONFIG", "").strip()
        if not name:
            return None
        if self.home and (name == "~" or name.startswith("~/")):
            return self.home / name[2:]
        return self.cwd / name

    def _folder_named(self, variable: str) -> Path | None:
        # The XDG Base Directory Specification: a relative path in these variables is to be ignored.
        value = self.environ.get(variable, "")
        return Path(value) if value.startswith("/") else None


class EnvironmentNow:
    """For a program that may change its environment as it goes on: read anew only when it has changed."""

    def __init__(self) -> None:
        self._mark: object = None
        self._environment: Environment | None = None

    def read(self) -> Environment:
        # Without decoding each variable again, which takes longer than all the rest: CPython keeps the bytes there.
        variables = dict(getattr(os.environ, "_data", os.environ))
        mark = (variables, _cwd())
        environment = self._environment
        if environment is None or mark != self._mark:
            environment = self._environment = Environment.of_process()
            self._mark = mark
        return environment


def path_beside(file: str, config_file: Path | None, environ: Mapping[str, str]) -> Path:
    """A file that a config names: relative to the config's folder, or to the home folder after `~/`."""
    home = home_of(environ)
    if home and file.startswith("~/"):
        return home / file[2:]
    return config_file.parent / file if config_file else Path(file)


def home_of(environ: Mapping[str, str]) -> Path | None:
    if environ.get("HOME", "").startswith("/"):
        return Path(environ["HOME"])
    import pwd  # Rarely needed, and not there on every system.

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def _cwd() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")
