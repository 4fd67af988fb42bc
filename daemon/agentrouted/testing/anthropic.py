"""Anthropic's messages, as a scripted upstream answers them."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentrouted.testing.replies import Reply
from agentrouted.testing.said import TOKENS, Call, Said, Thought, Tokens, halves, in_blocks

Event = dict[str, Any]


def stream(*said: Said, finish: str | None = None, tokens: Tokens | None = TOKENS) -> Reply:
    """A message in the events that the API sends, from `message_start` to `message_stop`."""
    return Reply.typed_events(
        {"type": "message_start", "message": {**_message(), "content": [], "usage": _used(tokens, output=1)}},
        {"type": "ping"},
        *_blocks(said),
        {"type": "message_delta", "delta": _end(said, finish), "usage": _used(tokens)},
        {"type": "message_stop"},
    )


def whole(*said: Said, finish: str | None = None, tokens: Tokens | None = TOKENS) -> Reply:
    """A message in one document."""
    content = [_whole_block(block) for block in in_blocks(said)]
    return Reply.json({**_message(), "content": content, **_end(said, finish), "usage": _used(tokens)})


def _message() -> Event:
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "test-model"}


def _end(said: Sequence[Said], finish: str | None) -> Event:
    asks = any(isinstance(each, Call) for each in said)
    return {"stop_reason": finish or ("tool_use" if asks else "end_turn"), "stop_sequence": None}


def _used(tokens: Tokens | None, output: int | None = None) -> Mapping[str, Any]:
    if tokens is None:
        return {}
    return {
        "input_tokens": tokens.input - tokens.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output if output is None else output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    }


def _blocks(said: Sequence[Said]) -> Iterator[Event | asyncio.Event]:
    for index, block in enumerate(in_blocks(said)):
        begun, *deltas = _opened(block)
        yield {"type": "content_block_start", "index": index, "content_block": begun}
        for delta in deltas:
            waits = isinstance(delta, asyncio.Event)
            yield delta if waits else {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}


def _opened(block: Sequence[Said]) -> Iterator[Any]:
    """The block as it begins, and its deltas."""
    match block[0]:
        case Thought(text, signature):
            yield {"type": "thinking", "thinking": "", "signature": ""}
            yield from ({"type": "thinking_delta", "thinking": half} for half in halves(text))
            if signature:
                yield {"type": "signature_delta", "signature": signature}
        case Call(call_id, name) as call:
            yield {"type": "tool_use", "id": call_id, "name": name, "input": {}}
            yield from ({"type": "input_json_delta", "partial_json": half} for half in ("", *halves(call.text)))
        case _:
            yield {"type": "text", "text": ""}
            yield from ({"type": "text_delta", "text": each} if isinstance(each, str) else each for each in block)


def _whole_block(block: Sequence[Said]) -> Event:
    match block[0]:
        case Thought(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case Call(call_id, name, arguments):
            return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
    return {"type": "text", "text": "".join(each for each in block if isinstance(each, str))}
