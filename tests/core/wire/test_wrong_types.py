"""Replies in which any field has another type than it should."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from harness.dialects import DIALECTS, Dialect
from harness.wire import endpoint, prompt

from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.anthropic_reply import AnthropicReply
from agentrouted.core.wire.chat_reply import ChatReply
from agentrouted.core.wire.gemini_reply import GeminiReply
from agentrouted.core.wire.ollama_reply import OllamaReply
from agentrouted.core.wire.reply import Reply
from agentrouted.core.wire.responses_reply import ResponsesReply
from agentrouted.testing.replies import Reply as Script
from agentrouted.testing.said import Call, Thought

REPLIES: dict[str, type[Reply]] = {
    "anthropic_messages": AnthropicReply,
    "chat_completions": ChatReply,
    "gemini_generate_content": GeminiReply,
    "ollama_chat": OllamaReply,
    "openai_responses": ResponsesReply,
}
WRONG: tuple[Any, ...] = ([1], {"a": [1]}, 5, "x")


def documents(script: Script) -> list[Any]:
    lines = b"".join(step for step in script.steps if isinstance(step, bytes)).splitlines()
    return [json.loads(line.removeprefix(b"data: ")) for line in lines if line.removeprefix(b"data: ").startswith(b"{")]


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


def changed(whole: list[Any], path: tuple[Any, ...], value: Any) -> list[bytes]:
    whole = copy.deepcopy(whole)
    place: Any = whole
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return [json.dumps(document).encode() for document in whole]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
@pytest.mark.parametrize("way", ["stream", "whole"])
def test_a_reply_is_understood_or_is_an_error_of_ours(dialect: Dialect, way: str) -> None:
    script: Script = getattr(dialect, way)(Thought("plan", "s1"), "Hello", Call("c1", "add", {"a": 1}))
    whole = documents(script)
    for path in places(whole):
        for value in WRONG:
            reply = REPLIES[dialect.wire](endpoint("http://models.example/v1", wire=dialect.wire), prompt(), None)
            with suppress(AgentroutedError):
                reply.take(changed(whole, path, value))
                reply.finish()
