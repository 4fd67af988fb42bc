"""Whether a value fits a schema, and what is wrong if not."""

from collections.abc import Callable, Sequence
from typing import Any

Fit = Callable[[Any], Any]
"""Returns the value, safely coerced (`"2"` becomes 2 where a number is wanted), or raises `DoesNotFit`."""


class DoesNotFit(Exception):
    """What is wrong, one line each: the place in the value, then the reason; never the value itself."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
