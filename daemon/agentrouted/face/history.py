"""Ways to make a long conversation fit."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from agentrouted.core.history.base import Ask, Strategy
from agentrouted.core.history.sliding_window import SlidingWindow
from agentrouted.core.history.summarize import PROMPT, Summarize
from agentrouted.core.history.truncate import Truncate
from agentrouted.face.conversion import from_core, to_core
from agentrouted.face.llm import AnyModel, LLMRequest
from agentrouted.face.message import Message
from agentrouted_protocol.messages import Message as CoreMessage


@runtime_checkable
class History(Protocol):
    """What an agent takes as its `history`. It is asked before each call of the model.

    What it returns is sent, and what it is given stays as it is. `token_budget`, if given, is how long the
    conversation may be.
    """

    async def compact(self, messages: list[Message], token_budget: int | None = None) -> list[Message]: ...


class HistorySlidingWindow:
    """The last `window_size` turns of the user, each with all that followed, and the instructions."""

    def __init__(self, window_size: int = 20) -> None:
        if window_size <= 0:
            raise ValueError("window_size must be >= 1")
        self.window_size = window_size

    async def compact(self, messages: list[Message], token_budget: int | None = None) -> list[Message]:
        return await _compacted(SlidingWindow(self.window_size), messages, _nobody)


class HistoryTruncate:
    """As many of the last whole turns as `max_tokens` hold, at about four characters a token, and the instructions.

    The last turn stays, however long it is.
    """

    def __init__(self, max_tokens: int = 100_000) -> None:
        if max_tokens <= 0:
            raise ValueError("max_tokens must be >= 1")
        self.max_tokens = max_tokens

    async def compact(self, messages: list[Message], token_budget: int | None = None) -> list[Message]:
        room = self.max_tokens if token_budget is None else token_budget
        return await _compacted(Truncate(room), messages, _nobody)


class HistorySummarize:
    """A summary by `model` in place of all but the last `keep_recent` turns. It is written once and added to."""

    def __init__(self, model: AnyModel | None = None, *, keep_recent: int = 4, summary_prompt: str = PROMPT) -> None:
        if keep_recent < 0:
            raise ValueError("keep_recent must be >= 0")
        self.model = model
        self.keep_recent = keep_recent
        self.summary_prompt = summary_prompt
        self.strategy = Summarize("", keep_recent, summary_prompt)

    async def compact(self, messages: list[Message], token_budget: int | None = None) -> list[Message]:
        """Raises RuntimeError if there is no model."""
        if self.model is None:
            raise RuntimeError("HistorySummarize requires a model. Pass model=... when constructing.")
        return await _compacted(self.strategy, messages, self._ask)

    async def _ask(self, _: str, messages: Sequence[CoreMessage]) -> str:
        assert self.model is not None
        return (await self.model.complete(self.request(messages))).content or ""

    def request(self, messages: Sequence[CoreMessage]) -> LLMRequest:
        """What the model is asked for a summary."""
        model_id = str(getattr(self.model, "model_id", "unknown"))
        return LLMRequest(model_id, [from_core(message) for message in messages])


async def _compacted(strategy: Strategy, messages: list[Message], ask: Ask) -> list[Message]:
    """What the strategy makes of them; messages that stay are the very same objects."""
    converted = [to_core(message) for message in messages]
    given = {id(core): message for core, message in zip(converted, messages, strict=True)}
    return [given.get(id(core)) or from_core(core) for core in await strategy.compact(converted, ask)]


async def _nobody(model: str, messages: Sequence[CoreMessage]) -> str:
    raise AssertionError("only summaries ask a model")
