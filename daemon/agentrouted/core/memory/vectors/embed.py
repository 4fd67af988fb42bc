"""Texts become vectors: the `Embed` that memory is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from agentrouted.core.endpoint import Boundary
from agentrouted.core.errors import Conflict


@dataclass(frozen=True, slots=True)
class Embedded:
    space: str
    """Which model made them, where: only vectors of the same one compare."""

    vectors: Sequence[Sequence[float]]
    """One for each text, in order, all of the same length."""


class Embed(Protocol):
    async def __call__(
        self, model: str, texts: Sequence[str], workspace: str, *, boundary: Boundary | None = None
    ) -> Embedded:
        """`workspace` is whose texts they are, or empty: its boundary holds, and `boundary` besides.

        Raises the errors of `core.errors`.
        """


class Within(NamedTuple):
    """What says where a text may be sent."""

    workspace: str
    boundary: Boundary | None = None
    """In force when it was written."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """One model, asked on somebody's behalf."""

    embed: Embed
    model: str
    space: str

    async def vectors(self, texts: Sequence[str], within: Within) -> Sequence[Sequence[float]]:
        """Raises `Conflict` where they would be in another space, beside what `embed` raises."""
        embedded = await self.embed(self.model, texts, within.workspace, boundary=within.boundary)
        if embedded.space != self.space:
            raise Conflict(f"`{self.model}` has become another model meanwhile")
        return embedded.vectors
