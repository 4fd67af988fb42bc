"""The wire formats, each with a server that speaks it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentrouted.testing import anthropic, gemini, ollama, responses
from agentrouted.testing.replies import Reply
from agentrouted.testing.said import TOKENS, Call, Said, Thought, Tokens, halves


@dataclass(frozen=True)
class Dialect:
    """`stream` and `whole` take what is said, and as `finish` the provider's word for a reply that was cut short."""

    wire: str
    path: str
    stream: Callable[..., Reply]
    whole: Callable[..., Reply]
    too_long: str
    """How it says that a reply has reached its limit."""

    error: dict[str, Any]
    """How it says in mid-stream that something went wrong."""

    written: Callable[..., Reply] = Reply.events
    """What such a stream is of: takes documents."""

    finished: str = "stop"
    has_ids: bool = True
    """Whether a reply has a name."""

    call_pieces: int = 2
    """In how many the arguments of a call come."""

    tells_details: bool = True
    """Whether the bill tells what was cached, and what was reasoning."""

    schema_word: str = "json_schema"
    """What stands in a request that asks for a schema to be kept."""

    signs: bool = True
    """Whether reasoning may be signed."""


def chat_stream(*said: Said, finish: str | None = None, tokens: Tokens | None = TOKENS) -> Reply:
    deltas = [delta for each in said for delta in _chat_deltas(each)]
    return Reply.chat(*deltas, finish=finish or _chat_finish(said), usage=_chat_usage(tokens))


def chat_whole(*said: Said, finish: str | None = None, tokens: Tokens | None = TOKENS) -> Reply:
    message = {
        "role": "assistant",
        "content": "".join(each for each in said if isinstance(each, str)) or None,
        "reasoning_content": "\n\n".join(each.text for each in said if isinstance(each, Thought)) or None,
        "tool_calls": [_chat_call(each, each.text) for each in said if isinstance(each, Call)] or None,
    }
    choice = {"index": 0, "message": message, "finish_reason": finish or _chat_finish(said)}
    return Reply.json({"id": "chatcmpl-1", "model": "test-model", "choices": [choice], "usage": _chat_usage(tokens)})


def _chat_deltas(said: Said) -> Sequence[dict[str, Any] | asyncio.Event]:
    match said:
        case Thought(text):
            return [{"reasoning_content": half} for half in halves(text)]
        case Call() as call:
            first, second = halves(call.text)
            more = {"index": call.id, "function": {"arguments": second}}
            return [{"tool_calls": [_chat_call(call, first)]}, {"tool_calls": [more]}]
        case str(text):
            return [{"content": text}]
    return [said]


def _chat_call(call: Call, text: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": text}
    return {"index": call.id, "id": call.id, "type": "function", "function": function}


def _chat_finish(said: Sequence[Said]) -> str:
    return "tool_calls" if any(isinstance(each, Call) for each in said) else "stop"


def _chat_usage(tokens: Tokens | None) -> dict[str, Any] | None:
    if tokens is None:
        return None
    return {
        "prompt_tokens": tokens.input,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens": tokens.output,
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


_WHY = {"type": "server_error", "message": "The server had an error"}

DIALECTS = {
    dialect.wire: dialect
    for dialect in (
        Dialect(
            "chat_completions",
            "/v1/chat/completions",
            chat_stream,
            chat_whole,
            too_long="length",
            error={"error": _WHY},
            signs=False,
        ),
        Dialect(
            "openai_responses",
            "/v1/responses",
            responses.stream,
            responses.whole,
            too_long="max_output_tokens",
            error={"type": "error", "code": "server_error", "message": "The server had an error"},
            finished="completed",
        ),
        Dialect(
            "anthropic_messages",
            "/v1/messages",
            anthropic.stream,
            anthropic.whole,
            too_long="max_tokens",
            error={"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            finished="end_turn",
        ),
        Dialect(
            "ollama_chat",
            "/api/chat",
            ollama.stream,
            ollama.whole,
            too_long="length",
            error={"error": "an error was encountered while running the model"},
            written=ollama.lines,
            has_ids=False,
            call_pieces=1,
            tells_details=False,
            schema_word="format",
            signs=False,
        ),
        Dialect(
            "gemini_generate_content",
            "/v1/models/big-model:streamGenerateContent?alt=sse",
            gemini.stream,
            gemini.whole,
            too_long="max_tokens",
            error={"error": {"code": 503, "status": "UNAVAILABLE", "message": "The model is overloaded."}},
            call_pieces=1,
            schema_word="responseSchema",
            signs=False,
        ),
    )
}
