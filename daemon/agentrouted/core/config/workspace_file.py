"""A folder's own file as models: nobody has vouched for it."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator

from agentrouted.core.config.agent import Agent, AgentHistory, Caps
from agentrouted.core.config.section import Count, Section, Text, refuse
from agentrouted.core.endpoint import Boundary

_MOST_TURNS: Final = 10
"""As many as a run has of which nobody has said how many it may have."""

_ELSEWHERE: Final = "write the agent into your own config, `~/.agentroute/config.yaml`"


def _name(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable():
        raise refuse("is not a name", "it may not be empty, nor have blanks around it or characters that do not show")
    return value


def _model(value: str) -> str:
    if "://" in value:
        raise refuse(
            "must not be an address in a folder's own file",
            "name the server under `providers` in your own config, `~/.agentroute/config.yaml`",
        )
    if "${" in value:
        raise refuse("cannot take variables in a folder's own file", "write the model out")
    provider, _, name = (part.strip() for part in value.partition("/"))
    if provider.casefold() == "local" and (name[:1] in ("/", "~", ".") or name.casefold().endswith(".gguf")):
        raise refuse("must not be a path in a folder's own file", "name a model that was pulled: `local/<name>`")
    return value


def _few(turns: int) -> int:
    if turns > _MOST_TURNS:
        raise refuse(
            f"must be at most {_MOST_TURNS} in a folder's own file", f"ask for more in the run, or {_ELSEWHERE}"
        )
    return turns


Model = Annotated[Text, AfterValidator(_model)]


class WorkspaceHistory(AgentHistory):
    """How a conversation that has grown long is made to fit."""

    model: Model | None = None
    """Of `summarize`: the model that writes the summary."""


class WorkspaceAgent(Agent):
    """As under `agents` of the config, but without what could carry data or money away: no tools of MCP servers, no
    memory, no addresses."""

    model: Model | None = None
    """A model string without an address, or a name under `models` of the config."""

    agents: tuple[Text, ...] = ()
    """Other agents of this file that it may call as tools."""

    history: WorkspaceHistory | None = None
    """How a conversation that has grown long is made to fit."""

    max_turns: Annotated[Count, AfterValidator(_few)] | None = None
    """Model calls at most, and no more than 10: who wants more says so in the run, or in the config."""

    @field_validator("mcp_servers", "memory", mode="before")
    @classmethod
    def _has_no_reach(cls, value: object) -> object:
        if value:
            raise refuse("cannot stand in a folder's own file", _ELSEWHERE)
        return value


class WorkspaceLimits(Caps):
    """What no run of this folder may go beyond. Of these limits and all others, the strictest holds."""

    boundary: Boundary | None = None
    """`local`: nothing leaves this machine. `free`: nothing is called that costs money."""


class WorkspaceFile(Section):
    """A folder's own file, `.agentroute.yaml`."""

    agents: dict[Annotated[str, AfterValidator(_name)], WorkspaceAgent] = Field(default_factory=dict)
    """As in the config, but without `mcp_servers` and `memory`; with other names than those of the config."""

    instructions: Text | None = None
    """Said to the model in every run of the folder, after the instructions of the run or its agent."""

    limits: WorkspaceLimits = WorkspaceLimits()
    """As `daemon.limits` of the config, but without `unknown_price`: what no run of the folder may go beyond."""
