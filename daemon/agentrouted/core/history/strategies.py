"""The ways of shortening a conversation, by name."""

from collections.abc import Callable, Mapping
from typing import Final

from agentrouted.core.history.base import Strategy
from agentrouted.core.history.sliding_window import SlidingWindow
from agentrouted.core.history.summaries import Summaries
from agentrouted.core.history.summarize import Summarize
from agentrouted.core.history.truncate import Truncate
from agentrouted_protocol.runs import History

STRATEGIES: Final[Mapping[str, Callable[..., Strategy]]] = {
    "slidingWindow": SlidingWindow,
    "truncate": Truncate,
    "summarize": Summarize,
}


def strategy_of(history: History, summaries: Summaries) -> Strategy:
    """`summaries` is what runs share, so that the next one does not pay again."""
    options = history.model_dump(exclude={"strategy"})
    if history.strategy == "summarize":
        options["summaries"] = summaries
    return STRATEGIES[history.strategy](**options)
