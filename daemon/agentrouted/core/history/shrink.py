"""Even one giant turn is made to fit."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agentrouted.core.history.excerpt import excerpt, most_kept
from agentrouted.core.history.turns import join, newest_turns, split, tokens
from agentrouted.core.tokens import CHARACTERS_PER_TOKEN, text_of, tokens_of
from agentrouted_protocol.messages import Message, TextPart, ToolCall

_LEAST_KEPT: Final = 400
"""Characters that stay of a text that is cut."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    messages: Sequence[Message]
    cut: frozenset[str]
    """Ids of the calls whose results are not whole any more."""

    shortened: int
    """Messages of which a part is left out, results of calls included."""

    left_out: int
    """Messages that are left out."""

    fits: bool
    """False where the `system` messages and the newest turn are too long even so."""


def shrink(messages: Sequence[Message], max_tokens: int) -> Shrunk:
    """A repaired conversation, shortened no more than it takes to fit `max_tokens`.

    First results of calls are cut to head and tail, then the oldest turns go, then texts of the user in the newest
    turn are cut, then what the model wrote in it. Of what is cut together, the longest is cut first, and results that
    the model has not seen yet come last. Leading `system` messages stay, and so do all calls of the turns that stay.
    """
    opening, turns = split(messages)
    room = max_tokens - tokens(opening)
    kept = join((), newest_turns(turns, room, _least_tokens))
    whole = {id(message) for message in kept}
    for group in _groups(kept):
        if (excess := tokens(kept) - room) <= 0:
            break
        kept = _cut_group(kept, group, excess)
    changed = [message for message in kept if id(message) not in whole]
    return Shrunk(
        messages=[*opening, *kept],
        cut=frozenset(message.tool_call_id for message in changed if message.role == "tool" and message.tool_call_id),
        shortened=len(changed),
        left_out=len(messages) - len(opening) - len(kept),
        fits=tokens(kept) <= room,
    )


def fit_window(messages: Sequence[Message], window_tokens: int, reserve_tokens: int) -> Shrunk:
    """What fits a model's window beside `reserve_tokens`: tools, and what the model is going to write."""
    return shrink(messages, window_tokens - reserve_tokens)


def fit_after_overflow(messages: Sequence[Message], window_tokens: int | None, reserve_tokens: int) -> Shrunk:
    """What probably fits after the provider said that `messages` are too long, for one more try.

    The window may be unknown, and the estimate was too low: code and languages other than English have fewer
    characters a token. So half of all but the opening goes, or more.
    """
    opening, turns = split(messages)
    half = tokens(opening) + tokens(join((), turns)) // 2
    return shrink(messages, half if window_tokens is None else min(half, window_tokens - reserve_tokens))


def _groups(messages: Sequence[Message]) -> Iterator[list[int]]:
    """The indexes of the messages that are cut together, in the order in which groups are cut."""
    last_reply = max((index for index, message in enumerate(messages) if message.role == "assistant"), default=0)
    results = [index for index, message in enumerate(messages) if message.role == "tool"]
    yield [index for index in results if index < last_reply]
    yield [index for index in results if index > last_reply]
    yield [index for index, message in enumerate(messages) if message.role == "user"]
    yield [index for index, message in enumerate(messages) if message.role == "assistant"]


def _cut_group(messages: Sequence[Message], group: Sequence[int], excess: int) -> list[Message]:
    """Cut the longest texts of a group to one length: the greatest that saves `excess` tokens."""
    limits = [limit for index in group for limit in _limits(messages[index]) if limit > _LEAST_KEPT]
    # Tokens are counted in whole numbers, text by text: up to three characters of each save nothing.
    wanted = excess * CHARACTERS_PER_TOKEN + len(limits) * (CHARACTERS_PER_TOKEN - 1)
    lengths = range(_LEAST_KEPT, max(limits, default=_LEAST_KEPT) + 1)
    too_long = bisect_left(lengths, True, key=lambda length: _saved(limits, length) < wanted)
    shorter = list(messages)
    for index in group:
        shorter[index] = _cut(messages[index], lengths[max(0, too_long - 1)])
    return shorter


def _saved(limits: Sequence[int], length: int) -> int:
    return sum(limit - length for limit in limits if limit > length)


def _limits(message: Message) -> Iterator[int]:
    yield most_kept(text_of(message), message.tool_call_id)
    for call in message.tool_calls or ():
        yield from (most_kept(value) for value in call.arguments.values() if isinstance(value, str))


def _least_tokens(message: Message) -> int:
    return tokens_of(_cut(message, _LEAST_KEPT) if message.role == "tool" else message)


def _cut(message: Message, length: int) -> Message:
    """Each text of it that is longer is cut; the message itself where none is."""
    changes: dict[str, Any] = {}
    text = text_of(message)
    if (shorter := excerpt(text, length, message.tool_call_id)) != text:
        changes["content"] = _with_text(message, shorter)
    calls = [_cut_call(call, length) for call in message.tool_calls or ()]
    if calls != (message.tool_calls or []):
        changes["tool_calls"] = calls
    return message.model_copy(update=changes) if changes else message


def _with_text(message: Message, text: str) -> str | list[Any]:
    if isinstance(message.content, str):
        return text
    return [TextPart(text=text), *(part for part in message.content if not isinstance(part, TextPart))]


def _cut_call(call: ToolCall, length: int) -> ToolCall:
    arguments = {
        name: excerpt(value, length) if isinstance(value, str) else value for name, value in call.arguments.items()
    }
    return call if arguments == call.arguments else call.model_copy(update={"arguments": arguments})
