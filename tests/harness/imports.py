"""Configs of other routers, imported."""

from pathlib import Path
from textwrap import dedent

from harness.routes import World

from agentrouted.core.config.importing import Reading, read_foreign, to_yaml
from agentrouted.core.config.imports.base import Fit


def imported(text: str) -> Reading:
    return read_foreign(dedent(text), Path("theirs.yaml"))


def world_of(text: str, **environ: str) -> World:
    """Where our config is what was imported."""
    return World(environ=environ, config=to_yaml(imported(text).document))


def route_of(text: str, model: str, **environ: str) -> list[str]:
    """Where a model string leads, endpoint by endpoint."""
    resolved = world_of(text, **environ).resolve(model)
    return [f"{each.endpoint.base_url} {each.endpoint.model_id}" for each in resolved.endpoints]


def told(reading: Reading, fit: Fit) -> list[tuple[int, str]]:
    """The lines and places of what is told with this fit."""
    found = [(where.start.line + 1 if where else 0, finding) for finding, where in reading.findings]
    return [(line, finding.dotted) for line, finding in found if finding.fit == fit]
