"""Names in the file that lead nowhere in it."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from agentrouted.core.config.agent import Agent
from agentrouted.core.config.document import Document, KeyPath, dotted
from agentrouted.core.config.model import Config
from agentrouted_protocol.config import Problem


def unknown_names(config: Config, document: Document) -> Iterator[Problem]:
    """Of what agents use and nobody has described."""
    for agent, section in config.agents.items():
        path = ("agents", agent, "mcp_servers")
        yield from _unknown(section.mcp_servers, config.mcp_servers, "MCP server", path, document)
    yield from unknown_agents(config.agents, document)


def unknown_agents(agents: Mapping[str, Agent], document: Document) -> Iterator[Problem]:
    """Of agents that they call, and that are not among them."""
    for name, section in agents.items():
        yield from _unknown(section.agents, agents, "agent", ("agents", name, "agents"), document)


def _unknown(
    names: Collection[str], known: Collection[str], kind: str, path: KeyPath, document: Document
) -> Iterator[Problem]:
    for number, name in enumerate(names):
        if name in known:
            continue
        place = document.place_of((*path, number))
        near = get_close_matches(name, known, 1)
        where = dotted((*path, number))
        yield Problem(
            path=where,
            message=f"`{where}` is not the name of an {kind} under `{path[-1]}`",
            range=place.value if place else None,
            hint=f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known) or 'none'}",
        )
