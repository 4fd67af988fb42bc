"""The conversation as it is sent: valid, and short enough."""

from collections.abc import Sequence
from typing import Final

from agentrouted.core.agent.aside import ask_aside
from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.results import result_tool
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.history.base import Strategy
from agentrouted.core.history.excerpt import READ_RESULT
from agentrouted.core.history.repair import repair
from agentrouted.core.history.shrink import Shrunk, fit_after_overflow, fit_window
from agentrouted.core.history.strategies import strategy_of
from agentrouted.core.history.turns import tokens
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import tokens_in
from agentrouted_protocol import events
from agentrouted_protocol.messages import Message
from agentrouted_protocol.runs import History

_RESERVE: Final = 512
"""Tokens of a window that are left for the reply, where no `maxTokens` says otherwise."""

_FITS_ANYWHERE: Final = 1500
"""Tokens. No server is asked for its window before a conversation is longer."""


async def compacted(run: RunContext) -> Sequence[Message]:
    """A copy of the conversation as the history strategy has it. What was broken in it is repaired."""
    messages = repair(run.state.conversation)
    before = len(messages)
    if run.inside.compact is not None:
        messages = repair(await run.inside.compact(messages))
        _tell(run, "custom", before, len(messages))
    elif run.plan.history is not None:
        strategy = _strategy(run, run.plan.history)
        messages = repair(await strategy.compact(messages, lambda model, asked: ask_aside(run, model, asked)))
        _tell(run, run.plan.history.strategy, before, len(messages))
    return messages


async def fitted(run: RunContext, endpoint: Endpoint, messages: Sequence[Message]) -> Sequence[Message]:
    """No longer than the endpoint's window, where that is known, and than what was found to be too long."""
    shorter = await _fit(run, endpoint, messages)
    return messages if shorter is None else _sent(run, messages, shorter)


async def stay(run: RunContext, messages: Sequence[Message]) -> Sequence[Message]:
    """Those that will be sent as they are, as far as can be said before a call: the first endpoint is going to answer,
    and a history of the caller's own leaves everything.
    """
    messages = repair(messages)
    if run.plan.history is not None and run.inside.compact is None:
        messages = _strategy(run, run.plan.history).stay(messages)
    shorter = await _fit(run, run.chain[0].endpoint, messages)
    return messages if shorter is None else shorter.messages


def shortened(run: RunContext, messages: Sequence[Message]) -> Sequence[Message] | None:
    """What is sent after a model has found the conversation too long; None where nothing can be left out."""
    shorter = fit_after_overflow(messages, None, _reserve(run))
    if shorter.shortened == shorter.left_out == 0:
        return None
    # From now on no more is sent.
    run.window = tokens(shorter.messages) + _reserve(run)
    return _sent(run, messages, shorter)


async def _fit(run: RunContext, endpoint: Endpoint, messages: Sequence[Message]) -> Shrunk | None:
    """None where they fit as they are."""
    needed = tokens(messages)
    known = endpoint.context_window
    if endpoint.local and needed > _FITS_ANYWHERE and run.inside.speak is None:
        known = await run.services.context_window(endpoint)
    windows = [window for window in (known, run.window) if window is not None]
    if not windows or needed <= min(windows) - _reserve(run):
        return None
    return fit_window(messages, min(windows), _reserve(run))


def _sent(run: RunContext, messages: Sequence[Message], shorter: Shrunk) -> Sequence[Message]:
    run.cut |= shorter.cut
    if run.cut and run.tools:
        run.tools.setdefault(READ_RESULT, result_tool(run))
    run.emitter.emit(
        events.Compaction, strategy="window", messages_before=len(messages), messages_after=len(shorter.messages)
    )
    return shorter.messages


def _strategy(run: RunContext, history: History) -> Strategy:
    run.strategy = run.strategy or strategy_of(history, run.services.summaries)
    return run.strategy


def _reserve(run: RunContext) -> int:
    tools = tuple(tool.spec for tool in run.tools.values())
    return tokens_in(ModelRequest(messages=(), tools=tools)) + (run.plan.limits.max_tokens or _RESERVE)


def _tell(run: RunContext, strategy: str, before: int, after: int) -> None:
    if after < before:
        run.emitter.emit(events.Compaction, strategy=strategy, messages_before=before, messages_after=after)
