"""OpenAI's responses, as a scripted upstream answers them."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentrouted.testing.replies import Reply
from agentrouted.testing.said import TOKENS, Call, Said, Thought, Tokens, halves, in_blocks

Event = dict[str, Any]


def stream(*said: Said, finish: str | None = None, tokens: Tokens | None = TOKENS) -> Reply:
    """A response in the events that the API sends, from `response.created` to its end."""
    begun = {**_response(), "status": "in_progress", "output": [], "usage": None}
    end = _ended(said, finish, tokens)
    return Reply.typed_events(
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        *_items(said),
        {"type": f"response.{end['status']}", "response": end},
    )


def whole(*said: Said, finish: str | None = None, tokens: Tokens | None = TOKENS) -> Reply:
    """A response in one document."""
    return Reply.json(_ended(said, finish, tokens))


def _response() -> Event:
    return {"id": "resp_1", "object": "response", "created_at": 0, "model": "test-model", "error": None}


def _ended(said: Sequence[Said], finish: str | None, tokens: Tokens | None) -> Event:
    """`finish`: why it is incomplete, if it is."""
    return {
        **_response(),
        "status": "incomplete" if finish else "completed",
        "incomplete_details": {"reason": finish} if finish else None,
        "output": [_item(index, block) for index, block in enumerate(in_blocks(said))],
        "usage": _used(tokens),
    }


def _used(tokens: Tokens | None) -> Mapping[str, Any] | None:
    if tokens is None:
        return None
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }


def _items(said: Sequence[Said]) -> Iterator[Event | asyncio.Event]:
    for index, block in enumerate(in_blocks(said)):
        item = _item(index, block)
        place = {"output_index": index, "item_id": item["id"]}
        yield {"type": "response.output_item.added", "output_index": index, "item": _empty(item)}
        for kind, text in _deltas(block):
            yield {"type": f"response.{kind}.delta", **place, "delta": text} if isinstance(text, str) else text
        yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _deltas(block: Sequence[Said]) -> Iterator[tuple[str, str | asyncio.Event]]:
    match block[0]:
        case Thought(text):
            yield from (("reasoning_summary_text", half) for half in halves(text))
        case Call() as call:
            yield from (("function_call_arguments", half) for half in halves(call.text))
        case _:
            yield from (("output_text", each) for each in block if isinstance(each, str | asyncio.Event))


def _item(index: int, block: Sequence[Said]) -> Event:
    match block[0]:
        case Thought(text, signature):
            summary = [{"type": "summary_text", "text": text}]
            return {
                "id": f"rs_{index}",
                "type": "reasoning",
                "summary": summary,
                "encrypted_content": signature or None,
            }
        case Call(call_id, name) as call:
            called = {"id": f"fc_{index}", "type": "function_call", "status": "completed"}
            return {**called, "call_id": call_id, "name": name, "arguments": call.text}
    text = "".join(each for each in block if isinstance(each, str))
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": f"msg_{index}", "type": "message", "role": "assistant", "status": "completed", "content": content}


def _empty(item: Event) -> Event:
    """The item as it is when nothing of it has been written."""
    empty: Event = {"arguments": "", "content": [], "summary": [], "encrypted_content": None}
    return {name: empty.get(name, value) for name, value in item.items()} | {"status": "in_progress"}
