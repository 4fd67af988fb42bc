"""How Gemini models are told to think."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agentrouted.core.endpoint import Endpoint, Think

# Those that think unless told otherwise. The others answer with an error to being asked for their thoughts.
_THINK: Final = re.compile(r"gemini-(2\.5-(pro|flash)|[3-9]|\d\d)(?!.*(lite|image|tts|live|audio))")

# Until Gemini 2.5, tokens: none, as many as it likes, or at most so many. After it, words.
_BUDGETS: Final[Mapping[Think, int]] = {False: 0, True: -1, "low": 1024, "medium": 8192, "high": 24576, "max": 24576}
_LEVELS: Final[Mapping[Think, str]] = {
    False: "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "high",
}
_BY_BUDGET: Final = re.compile(r"gemini-2\.")


def thinking_config(endpoint: Endpoint) -> dict[str, Any]:
    """Whether its thoughts are shown, and what the config says of them (`think`)."""
    if endpoint.think is None:
        return {"includeThoughts": True} if _THINK.search(endpoint.model_id) else {}
    shown: dict[str, Any] = {"includeThoughts": endpoint.think is not False}
    if _BY_BUDGET.search(endpoint.model_id):
        return {**shown, "thinkingBudget": _BUDGETS[endpoint.think]}
    return {**shown, "thinkingLevel": _LEVELS[endpoint.think]} if endpoint.think in _LEVELS else shown
