"""The configuration of one moment: immutable, kept by runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os.path import normpath
from pathlib import Path

from agentrouted.core.config.in_folders import joined, origins, without_effect
from agentrouted.core.config.model import Config
from agentrouted.core.config.own_file import OwnFile
from agentrouted.core.endpoint import Boundary
from agentrouted_protocol.config import Problem


@dataclass(frozen=True)
class Snapshot:
    """A run takes the current one when it starts and keeps it: a reload never changes a run in flight."""

    generation: int
    """Counts what has been in force; 0 are the defaults, with nothing read."""

    config: Config
    environ: Mapping[str, str] = field(repr=False)
    keyfile: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Entries of the plain file beside, names in lower case: `groq_api_key`, `openrouter.ai`."""

    path: Path | None = None
    """The file that was looked for; it need not exist."""

    problems: tuple[Problem, ...] = ()
    """Of the files as they are on disk now; with an error among them, an earlier `config` is in force."""

    unread: frozenset[str] = field(default=frozenset(), repr=False)
    """What the file on disk names if it has an error, in lower case; its providers and models are among it."""

    origins: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By dotted path, where each value was written: `<file>:<line>` or `env:NAME`."""

    own_files: Mapping[str, OwnFile] = field(default_factory=dict, repr=False)
    """By folder, of the folders that clients work in; only where there is one."""

    joined: tuple[OwnFile, ...] = field(default=(), repr=False)
    """Those that are in `config` already."""

    _joined_for: dict[tuple[str, ...], "Snapshot"] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def is_good(self) -> bool:
        """False if the file on disk has an error, so that `config` is what was in force before it."""
        return not any(problem.severity == "error" for problem in self.problems)

    @property
    def instructions(self) -> tuple[str, ...]:
        """Of the folders it was joined for."""
        return tuple(file.instructions for file in self.joined if file.instructions)

    @property
    def unread_file(self) -> Path | None:
        """Of the folders it was joined for, the first file with an error."""
        return next(
            (file.path for file in self.joined if any(each.severity == "error" for each in file.problems)), None
        )

    @property
    def in_doubt(self) -> Problem | None:
        """Why nobody knows all limits of the folders it was joined for."""
        return next((file.in_doubt for file in self.joined if file.in_doubt), None)

    def in_folders(self, folders: Iterable[str]) -> "Snapshot":
        """As it holds for a client that works in them."""
        if not self.own_files:
            return self
        found = tuple(dict.fromkeys(place for folder in folders if (place := normpath(folder)) in self.own_files))
        if not found:
            return self
        if found not in self._joined_for:
            self._joined_for[found] = self._joined([self.own_files[folder] for folder in found])
        return self._joined_for[found]

    def _joined(self, files: Sequence[OwnFile]) -> "Snapshot":
        told = [problem for file in files for problem in file.problems]
        config = joined(self.config, files)
        return replace(
            self,
            config=config,
            problems=(*self.problems, *told, *without_effect(self.config, files)),
            origins=origins(self.origins, self.config, config, files),
            own_files={},
            joined=tuple(files),
        )

    def boundary_in(self, folders: Sequence[str]) -> Boundary | None:
        """What nothing that is done for a client in these folders may go beyond."""
        return self.in_folders(folders).config.boundary_in(folders)

    @classmethod
    def defaults(cls, environ: Mapping[str, str], path: Path | None = None) -> "Snapshot":
        return cls(0, Config(), environ, path=path)
