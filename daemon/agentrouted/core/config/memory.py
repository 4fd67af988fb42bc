"""What memory does, as the configuration file has it."""

from typing import Annotated

from pydantic import Field

from agentrouted.core.config.agent import AgentScope
from agentrouted.core.config.section import Days, Section, Text
from agentrouted_protocol.memory import HitKind


class Retention(Section):
    """What is forgotten after some days."""

    scope: AgentScope = AgentScope()
    """Whose memory: all scopes with these names, whatever else they name. Left out, all there are."""

    kinds: Annotated[tuple[HitKind, ...], Field(min_length=1)] | None = None
    """`fact`, `preference`, `note`, `episode`, and `message` for what was said in sessions. Left out, all of them."""

    keep_days: Days
    """Days since a fact was last written, or a message said."""


class VectorSettings(Section):
    """Finding by meaning, beside finding by words. Takes `pip install 'agentrouted[vectors]'`."""

    model: Text
    """An embedding model, as any other model is named: `ollama/nomic-embed-text`, `local/<name>`, a URL, a name under
    `models`. All that is remembered is sent to it, once."""


class MemorySettings(Section):
    """What is remembered by facts and sessions."""

    retention: tuple[Retention, ...] = ()
    """What is kept for so long only. Without a rule it is kept until it is forgotten, or has expired."""

    vectors: VectorSettings | None = None
    """Find by meaning, too. Off if left out."""
