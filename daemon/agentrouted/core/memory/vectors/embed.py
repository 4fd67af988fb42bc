"""The `Embed` that memory is given: texts become vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agentrouted.core.endpoint import Boundary


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
