"""How Gemini models are told to think."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agentrouted_protocol.runs import Think

# Those that think unless told otherwise. The others answer with an error to being asked for their thoughts.
_THINK: Final = re.compile(r"gemini-(2\.5-(pro|flash)|[3-9]|\d\d)(?!.*(lite|image|tts|live|audio))")

# Until Gemini 2.5, tokens: none, as many as it likes, or at most so many. After it, words.
_BUDGETS: Final[Mapping[Think, int]] = {
    False: 0,
    True: -1,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
}
_NOT_AT_ALL: Final = "minimal"
_BY_BUDGET: Final = re.compile(r"gemini-2\.")


def thinking_config(model_id: str, think: Think | None) -> dict[str, Any]:
    """Whether its thoughts are shown, and how hard it thinks."""
    if think is None:
        return {"includeThoughts": True} if _THINK.search(model_id) else {}
    shown: dict[str, Any] = {"includeThoughts": think is not False}
    if _BY_BUDGET.search(model_id):
        return {**shown, "thinkingBudget": _BUDGETS.get(think, _BUDGETS["high"])}
    return shown if think is True else {**shown, "thinkingLevel": think or _NOT_AT_ALL}
