"""What a scripted Ollama answers on `/api/chat`, and beside."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from agentrouted.testing.replies import Reply, joined

USAGE: Mapping[str, int] = {"prompt_eval_count": 10, "eval_count": 5}
_LINES = {"content-type": "application/x-ndjson"}


def text(*deltas: str | asyncio.Event, finish: str = "stop", usage: Mapping[str, int] = USAGE) -> Reply:
    """Streamed text; an event between two deltas makes the reply wait there."""
    return chat(
        *({"content": delta} if isinstance(delta, str) else delta for delta in deltas), finish=finish, usage=usage
    )


def tool_calls(*calls: tuple[str, Mapping[str, Any]], ids: bool = False) -> Reply:
    """Calls of tools, by name and arguments; older servers give them no ids."""
    written = [
        {**({"id": f"call_{number}"} if ids else {}), "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls, 1)
    ]
    return chat({"content": "", "tool_calls": written})


def chat(*messages: Mapping[str, Any] | asyncio.Event, finish: str = "stop", usage: Mapping[str, int] = USAGE) -> Reply:
    """A reply of these pieces of a message, with its finish and its usage."""
    opened = (message if isinstance(message, asyncio.Event) else piece(message) for message in messages)
    return lines(*opened, {**piece({"content": ""}), "done": True, "done_reason": finish, "total_duration": 9, **usage})


def lines(*documents: Mapping[str, Any] | asyncio.Event) -> Reply:
    """Exactly these documents, one a line."""
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


def beside(model: str = "test-model", *, loaded: int | None = None, at_most: int = 131072) -> Mapping[str, Reply]:
    """What the server says on its other paths: give it to `Upstream`. `loaded` is the context the model has now."""
    running = [{"name": f"{model}:latest", "context_length": loaded}] if loaded else []
    info = {"general.architecture": "llama", "llama.context_length": at_most}
    return {
        "/api/version": Reply.json({"version": "0.12.6"}),
        "/api/ps": Reply.json({"models": running}),
        "/api/show": Reply.json({"parameters": "", "model_info": info}),
    }
