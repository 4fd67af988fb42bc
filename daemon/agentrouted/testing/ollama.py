"""Ollama's own format, as a scripted upstream answers in it."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentrouted.testing.replies import Reply, joined
from agentrouted.testing.said import TOKENS, Call, Said, Thought, Tokens, halves

_LINES = {"content-type": "application/x-ndjson"}


def stream(*said: Said, finish: str = "stop", tokens: Tokens | None = TOKENS) -> Reply:
    """A reply, one document a line."""
    return lines(*_pieces(said), {**piece({"content": ""}), **_end(finish, tokens)})


def whole(*said: Said, finish: str = "stop", tokens: Tokens | None = TOKENS) -> Reply:
    """A reply in one document."""
    message = {
        "content": "".join(each for each in said if isinstance(each, str)),
        "thinking": "".join(each.text for each in said if isinstance(each, Thought)),
        "tool_calls": [_call(each) for each in said if isinstance(each, Call)],
    }
    return Reply.json({**piece(message), **_end(finish, tokens)})


def lines(*documents: Mapping[str, Any] | asyncio.Event) -> Reply:
    """Exactly these documents."""
    steps = (each if isinstance(each, asyncio.Event) else json.dumps(each).encode() + b"\n" for each in documents)
    return Reply(joined(steps), headers=_LINES)


def piece(message: Mapping[str, Any]) -> dict[str, Any]:
    """One document of a stream."""
    return {
        "model": "test-model",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", **message},
        "done": False,
    }


def beside(*, loaded: int | None = None, at_most: int = 131072) -> Mapping[str, Reply]:
    """What the server says on its other paths: give it to `Upstream`. `loaded` is the context `test-model` has now."""
    running = [{"name": "test-model:latest", "context_length": loaded}] if loaded else []
    info = {"general.architecture": "llama", "llama.context_length": at_most}
    return {
        "/api/version": Reply.json({"version": "0.12.6"}),
        "/api/ps": Reply.json({"models": running}),
        "/api/show": Reply.json({"parameters": "", "model_info": info}),
    }


def _pieces(said: Sequence[Said]) -> Iterator[Mapping[str, Any] | asyncio.Event]:
    for each in said:
        match each:
            case Thought(text):
                yield from (piece({"content": "", "thinking": half}) for half in halves(text))
            case Call():
                yield piece({"content": "", "tool_calls": [_call(each)]})
            case str():
                yield piece({"content": each})
            case _:
                yield each


def _call(call: Call) -> dict[str, Any]:
    return {"id": call.id, "function": {"index": 0, "name": call.name, "arguments": call.arguments}}


def _end(finish: str, tokens: Tokens | None) -> dict[str, Any]:
    counts = {"prompt_eval_count": tokens.input, "eval_count": tokens.output} if tokens else {}
    return {"done": True, "done_reason": finish, "total_duration": 9, **counts}
