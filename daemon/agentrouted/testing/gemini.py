"""What a scripted Gemini answers on `streamGenerateContent`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from agentrouted.testing.replies import Reply

USAGE: Mapping[str, Any] = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}


def text(*deltas: str | asyncio.Event, finish: str = "STOP", usage: Mapping[str, Any] | None = USAGE) -> Reply:
    """Streamed text; an event between two deltas makes the reply wait there."""
    parts = (delta if isinstance(delta, asyncio.Event) else {"text": delta} for delta in deltas)
    return content(*parts, finish=finish, usage=usage)


def tool_calls(*calls: tuple[str, Mapping[str, Any]], signature: str | None = None) -> Reply:
    """Calls of tools, by name and arguments; the first is signed."""
    parts: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": arguments}} for name, arguments in calls]
    if signature:
        parts[0]["thoughtSignature"] = signature
    return content(*parts)


def content(
    *parts: Mapping[str, Any] | asyncio.Event, finish: str = "STOP", usage: Mapping[str, Any] | None = USAGE
) -> Reply:
    """These parts, one an event, with the finish and the usage after them."""
    events = (part if isinstance(part, asyncio.Event) else chunk([part]) for part in parts)
    return Reply.events(*events, {**chunk([], finish), **({"usageMetadata": usage} if usage else {})})


def chunk(parts: Sequence[Mapping[str, Any]], finish: str | None = None) -> dict[str, Any]:
    """One event of a stream."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "test-model", "responseId": "response-1"}
