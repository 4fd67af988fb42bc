"""Names under `models` that lead to each other."""

from collections.abc import Iterator
from typing import Final

from agentrouted.core.config.document import Document
from agentrouted.core.config.model import Config
from agentrouted_protocol.config import Problem

_OF_THE_RUN: Final = ("hedge_after", "fallback_on")
"""What holds only for the name that a run asks for."""


def unheeded(config: Config, document: Document) -> Iterator[Problem]:
    """What a name says and another one, which leads to it, does not heed."""
    for outer, chain in config.models.items():
        inner = {link.text: config.models[link.text] for link in chain.endpoints if link.text in config.models}
        for name, key in ((name, key) for name in inner if name != outer for key in _OF_THE_RUN):
            if getattr(inner[name], key) and getattr(inner[name], key) != getattr(chain, key):
                place = document.place_of(("models", name, key))
                yield Problem(
                    path=f"models.{name}.{key}",
                    message=f"`models.{name}.{key}` has no effect where `{outer}` leads to `{name}`",
                    severity="warning",
                    range=place.value if place else None,
                    hint=f"set `{key}` under `models.{outer}`, too",
                )
