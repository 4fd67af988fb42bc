"""How Anthropic's models are told to think."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agentrouted_protocol.runs import Think

# Until 4.5, at most so many tokens. After it, they see for themselves, and a word says how hard.
_BUDGETS: Final[Mapping[Think, int]] = {
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 32000,
}
_BY_BUDGET: Final = re.compile(r"claude-3-7|claude-\w+-4-([015]\b|2025)", re.IGNORECASE)
_LEAST_BUDGET: Final = 1024


def thinking(think: Think | None, model_id: str, max_tokens: int) -> Mapping[str, Any]:
    """The fields of a request that say how hard to think. Thoughts are part of `max_tokens`."""
    if think is None:
        return {}
    if think is False:
        return {"thinking": {"type": "disabled"}}
    if not _BY_BUDGET.search(model_id):
        effort = {} if think is True else {"output_config": {"effort": think}}
        # Unless asked for, the thoughts of the newer ones come empty.
        return {"thinking": {"type": "adaptive", "display": "summarized"}} | effort
    budget = min(_BUDGETS.get(think, _BUDGETS["medium"]), max_tokens // 2)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= _LEAST_BUDGET else {}
