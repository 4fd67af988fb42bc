"""What looks like a key, and so is not to be shown."""

import re
from typing import Final

_SHAPES: Final = re.compile(
    r"\b(?:sk|pk|rk|hf|gsk|xai|nvapi|pplx|key)[-_][\w*.-]{6,}|\bAIza[\w-]{10,}|\b(?i:bearer|basic)\s+[\w.~+/*-]{12,}=*"
)


def without_keys(text: str) -> str:
    """Free text, with nothing of the shape of a key left in it."""
    return _SHAPES.sub("[key]", text)
