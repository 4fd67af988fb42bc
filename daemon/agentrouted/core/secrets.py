"""What looks like a key, and so is not to be shown."""

import re
from typing import Final

_SHAPES: Final = re.compile(
    r"\b(?:sk|pk|rk|hf|gsk|xai|nvapi|pplx|key)[-_][\w*.-]{6,}|\bAIza[\w-]{10,}|\b(?i:bearer|basic)\s+[\w.~+/*-]{12,}=*"
)
# Names may begin with `hf-` or `xai-`, but hold no long run of letters and digits.
_IN_A_NAME: Final = re.compile(
    r"\b(?:sk|pk|rk|gsk|nvapi)[-_][\w-]{6,}|\bAIza[\w-]{10,}|(?<![A-Za-z0-9])(?=[A-Za-z]*\d)[A-Za-z0-9]{20,}"
)


def without_keys(text: str) -> str:
    """Free text, with nothing of the shape of a key left in it."""
    return _SHAPES.sub("[key]", text)


def name_without_keys(name: str) -> str:
    """What should be a name, and may be a key that was pasted in its place."""
    return _IN_A_NAME.sub("[key]", name)
