"""What folders' own files add to the config, and take away."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentrouted.core.config.agent import Agent, RunLimits
from agentrouted.core.config.document import dotted
from agentrouted.core.config.model import Config
from agentrouted.core.config.own_file import OwnFile
from agentrouted.core.endpoint import stricter
from agentrouted_protocol.config import Problem


def joined(config: Config, files: Iterable[OwnFile]) -> Config:
    """The config as it holds for those who work in the folders: more agents, and limits that are no looser."""
    agents, limits = dict(config.agents), config.daemon.limits
    for file in files:
        agents |= _agents_beside(agents, file)
        limits = _strictest(limits, file.limits)
    daemon = config.daemon.model_copy(update={"limits": limits})
    return config.model_copy(update={"agents": agents, "daemon": daemon})


def origins(before: Mapping[str, str], config: Config, after: Config, files: Sequence[OwnFile]) -> dict[str, str]:
    """By dotted path, where all of it was written."""
    found: dict[str, str] = {}
    for file in reversed(files):
        found |= file.origins
    found |= before
    for file in files:
        for name, value in file.limits.items():
            if getattr(after.daemon.limits, name) == value != getattr(config.daemon.limits, name):
                found[f"daemon.limits.{name}"] = file.origins.get(f"limits.{name}", str(file.path))
    return found


def without_effect(config: Config, files: Iterable[OwnFile]) -> Iterator[Problem]:
    """Agents whose names are taken: what a repository brings along must not stand in for what the user has written."""
    taken = dict.fromkeys(config.agents, "your config")
    for file in files:
        for name in file.agents:
            if name in taken:
                yield _taken(name, taken[name], file)
        taken = {**dict.fromkeys(file.agents, str(file.path)), **taken}


def _agents_beside(taken: Collection[str], file: OwnFile) -> dict[str, Agent]:
    """Those that have a name of their own. They call each other, and nobody else who happens to have such a name."""
    own = {name: agent for name, agent in file.agents.items() if name not in taken}
    calling = {
        name: agent.model_copy(update={"agents": tuple(each for each in agent.agents if each in own)})
        for name, agent in own.items()
        if agent.agents
    }
    return {**own, **calling}


def _strictest(limits: RunLimits, said: Mapping[str, Any]) -> RunLimits:
    changes = {name: _stricter(name, getattr(limits, name), value) for name, value in said.items()}
    return limits.model_copy(update=changes) if changes else limits


def _stricter(name: str, *values: Any) -> Any:
    return stricter(*values) if name == "boundary" else min(value for value in values if value is not None)


def _taken(name: str, by: str, file: OwnFile) -> Problem:
    path = dotted(("agents", name))
    return Problem(
        path=path,
        message=f"`{path}` has no effect: {by} has an agent of this name",
        severity="warning",
        file=str(file.path),
        range=file.places.get(name),
        hint="give it a name of its own",
    )
