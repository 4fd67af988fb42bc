"""Gemini's own format, as a scripted upstream answers in it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentrouted.testing.replies import Reply
from agentrouted.testing.said import TOKENS, Call, Said, Thought, Tokens, halves


def stream(*said: Said, finish: str = "STOP", tokens: Tokens | None = TOKENS) -> Reply:
    """A reply in events, each with one part."""
    events = (each if isinstance(each, asyncio.Event) else chunk([each]) for each in _parts(said))
    return Reply.events(*events, {**chunk([], finish), **_usage(tokens)})


def whole(*said: Said, finish: str = "STOP", tokens: Tokens | None = TOKENS) -> Reply:
    """A reply in one document."""
    parts = [part for part in _parts(said) if not isinstance(part, asyncio.Event)]
    return Reply.json({**chunk(parts, finish), **_usage(tokens)})


def chunk(parts: Sequence[Mapping[str, Any]], finish: str | None = None) -> dict[str, Any]:
    """One event of a stream."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish.upper()
    return {"responseId": "response-1", "modelVersion": "test-model", "candidates": [candidate]}


def _parts(said: Sequence[Said]) -> Iterator[dict[str, Any] | asyncio.Event]:
    for each in said:
        match each:
            case Thought(text):
                yield from ({"text": half, "thought": True} for half in halves(text))
            case Call(call_id, name, arguments):
                yield {"functionCall": {"id": call_id, "name": name, "args": arguments}}
            case str():
                yield {"text": each}
            case _:
                yield each


def _usage(tokens: Tokens | None) -> dict[str, Any]:
    if tokens is None:
        return {}
    counts = {
        "promptTokenCount": tokens.input,
        "cachedContentTokenCount": tokens.cached,
        "candidatesTokenCount": tokens.output - tokens.reasoning,
        "thoughtsTokenCount": tokens.reasoning,
    }
    return {"usageMetadata": counts}
