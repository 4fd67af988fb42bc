"""The configuration of one moment: immutable, kept by runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentrouted.core.config.model import Config
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

    @property
    def is_good(self) -> bool:
        """False if the file on disk has an error, so that `config` is what was in force before it."""
        return not any(problem.severity == "error" for problem in self.problems)

    @classmethod
    def defaults(cls, environ: Mapping[str, str], path: Path | None = None) -> "Snapshot":
        return cls(0, Config(), environ, path=path)
