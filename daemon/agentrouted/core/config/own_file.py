"""A folder's own file, `.agentroute.yaml`, as it is in force."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agentrouted.core.config.agent import Agent
from agentrouted.core.config.content import Content
from agentrouted_protocol.config import Problem, Range

FILE_NAME: Final = ".agentroute.yaml"


@dataclass(frozen=True)
class OwnFile:
    """What it says, as far as that is in force: with an error among `problems`, what it said before."""

    path: Path
    content: Content
    agents: Mapping[str, Agent] = field(default_factory=dict)
    instructions: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    """Those that are set, named as those of `RunLimits`."""

    problems: tuple[Problem, ...] = ()
    places: Mapping[str, Range] = field(default_factory=dict)
    """Where each agent stands."""

    origins: Mapping[str, str] = field(default_factory=dict)
    """By dotted path, where each value was written: `<file>:<line>`."""

    was_good: bool = False
    """Whether it has ever been without an error."""

    in_doubt: Problem | None = None
    """Why nobody knows its limits. Until that is mended, nothing leaves this machine."""
