"""The `workspaces` section: what holds in a folder."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import PurePath

from agentrouted.core.config.section import Section
from agentrouted.core.endpoint import Boundary, stricter


class Workspace(Section):
    """What holds for clients that work in a folder, or in one inside it."""

    boundary: Boundary | None = None
    """`local`: nothing of their runs leaves this machine. `free`: nothing is called that costs money."""


def boundary_in(workspaces: Mapping[str, Workspace], folder: str) -> Boundary | None:
    """The strictest that holds there."""
    above = (folder, *map(str, PurePath(folder).parents))
    fitting = (
        each.boundary for pattern, each in workspaces.items() if any(fnmatchcase(part, pattern) for part in above)
    )
    return stricter(*fitting)
