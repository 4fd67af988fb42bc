"""What a model call cost: as reported, or estimated."""

import math
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.tokens import CHARACTERS_PER_TOKEN, text_of, tokens_of, tokens_of_text
from agentrouted.core.wire.base import ModelRequest
from agentrouted_protocol.messages import CostSource, TextPart, Usage

# Tokens, of prompts: those around each message and tool come on top of its text.
_MOST_A_BYTE: Final = 3 / 8
_MOST_AROUND: Final = 16

# Tokens of an image or a file: hardly anybody takes more for one image. How long a file is, only its reader knows.
_MOST_A_FILE: Final = 2000

# Tokens and dollars above are nonsense, and too large for the ledger in the end.
_MOST: Final = 1e15


def bill(endpoint: Endpoint, request: ModelRequest, reported: Mapping[str, Any], written: int) -> Usage:
    """The bill of one call, from the `usage` that the provider reported, if any.

    `written` is how many characters the model wrote: what is not reported is estimated, and marked so.
    """
    input_tokens = count(reported, "prompt_tokens")
    output_tokens = count(reported, "completion_tokens")
    estimated = not input_tokens or (not output_tokens and written > 0)
    if estimated:
        input_tokens = input_tokens or tokens_in(request)
        output_tokens = output_tokens or -(-written // CHARACTERS_PER_TOKEN)
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=count(reported.get("prompt_tokens_details"), "cached_tokens")
        or count(reported, "prompt_cache_hit_tokens"),
        reasoning_tokens=count(reported.get("completion_tokens_details"), "reasoning_tokens"),
        model_calls=1,
        estimated=estimated,
    )
    cost, source = _cost(endpoint, usage, reported.get("cost"))
    return usage.model_copy(update={"total_cost_usd": cost, "cost_source": source})


def tokens_in(request: ModelRequest) -> int:
    """The length of the prompt, as estimated."""
    tools = (text for tool in request.tools for text in (tool.name, tool.description, str(tool.input_schema)))
    return sum(map(tokens_of, request.messages)) + sum(map(tokens_of_text, tools))


def most_tokens_in(request: ModelRequest) -> int:
    """What the prompt takes at most, if its tokens are no shorter than they are in code, or in Chinese."""
    texts = [text for tool in request.tools for text in (tool.name, tool.description, str(tool.input_schema))]
    if request.output:
        texts.append(str(request.output.schema))
    for message in request.messages:
        texts += [text_of(message), *(f"{call.name} {call.arguments}" for call in message.tool_calls or ())]
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    around = _MOST_AROUND * (len(request.messages) + len(request.tools) + 1)
    return math.ceil(size * _MOST_A_BYTE) + around + _MOST_A_FILE * files_in(request)


def files_in(request: ModelRequest) -> int:
    """And images: how many."""
    contents = (message.content for message in request.messages if not isinstance(message.content, str))
    return sum(not isinstance(part, TextPart) for content in contents for part in content)


def _cost(endpoint: Endpoint, usage: Usage, reported: Any) -> tuple[float | None, CostSource]:
    if _is_amount(reported):
        return float(reported), "reported"
    if price := endpoint.price:
        cached = min(usage.cached_tokens, usage.input_tokens)
        cached_price = price.input if price.cached is None else price.cached
        dollars = (
            (usage.input_tokens - cached) * price.input + cached * cached_price + usage.output_tokens * price.output
        )
        return dollars / 1_000_000, "local" if endpoint.local and dollars == 0 else price.source
    return (0.0, "local") if endpoint.local else (None, "unknown")


def count(reported: Any, name: str) -> int:
    """A number of tokens; nonsense is 0."""
    value = reported.get(name) if isinstance(reported, Mapping) else None
    return int(value) if _is_amount(value) else 0


def _is_amount(value: Any) -> TypeGuard[int | float]:
    """Not negative, not beyond measure or NaN, not true."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST
