"""The `workspaces` section: what holds in a folder."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from os.path import normpath
from pathlib import PurePath

from agentrouted.core.config.section import Section
from agentrouted.core.endpoint import Boundary, stricter


class Workspace(Section):
    """What holds for clients that work in a folder, or in one inside it."""

    boundary: Boundary | None = None
    """`local`: nothing of their runs leaves this machine. `free`: nothing is called that costs money."""


def boundary_in(workspaces: Mapping[str, Workspace], folders: Iterable[str]) -> Boundary | None:
    """The strictest that holds in any of them, as they are written: links are not followed."""
    if not workspaces:
        return None
    places = {place for folder in folders if folder for place in _upwards(normpath(folder))}
    holding = (
        each.boundary
        for pattern, each in workspaces.items()
        if any(fnmatchcase(place, normpath(pattern)) for place in places)
    )
    return stricter(*holding)


def _upwards(folder: str) -> Iterable[str]:
    return folder, *map(str, PurePath(folder).parents)
