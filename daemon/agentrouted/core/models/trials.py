"""What a probe asks of a model, and what its replies show."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from agentrouted.core.errors import AgentroutedError, ProviderError
from agentrouted.core.in_words import in_words
from agentrouted.core.wire.base import (
    ANY_TOOL,
    Chunk,
    ModelReply,
    ModelRequest,
    OutputSchema,
    ReasoningChunk,
    TextChunk,
    ToolSpec,
)
from agentrouted_protocol.messages import Message

Way = Literal["named", "forced", "offered"]
"""How a model is brought to call a tool: that one, any, or only if it likes."""

_WORDS: Final = ("heron", "otter")
_TOOL: Final = ToolSpec(
    "report",
    "Report a number.",
    {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
)
# No model says this of its own accord to what it is asked.
_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"animal": {"type": "string", "enum": list(_WORDS)}},
    "required": ["animal"],
    "additionalProperties": False,
}

# Statuses with which a feature is refused.
_REFUSALS: Final = frozenset({400, 404, 422})

# llama.cpp says 500 of tools that it was not started for. At a hosted provider it is a trouble that passes.
_REFUSALS_HERE: Final = _REFUSALS | {500, 501}

_EXCERPT: Final = 80


@dataclass(frozen=True, slots=True)
class Seen:
    """What one trial has shown."""

    value: bool | None
    """None: it has shown nothing either way."""

    evidence: str


def _request(prompt: str, max_tokens: int, **more: Any) -> ModelRequest:
    return ModelRequest(messages=[Message(role="user", content=prompt)], max_tokens=max_tokens, **more)


TALK: Final = _request("Count from one to twenty in words.", 32)
# Room for a model that thinks first.
_CALL: Final = _request("Report the number seven. Call the tool.", 256, tools=(_TOOL,))
CALLS: Final[Mapping[Way, ModelRequest]] = {
    "named": replace(_CALL, must_call=_TOOL.name),
    "forced": replace(_CALL, must_call=ANY_TOOL),
    "offered": _CALL,
}
FILL_IN: Final = _request("Say hello.", 256, output=OutputSchema("probe", _SCHEMA, strict=True))


def streams(chunks: int) -> Seen:
    return Seen(chunks > 1, f"the text came in {chunks} piece{'' if chunks == 1 else 's'}")


def reports_usage(reply: ModelReply) -> Seen:
    usage = reply.usage
    if usage.estimated:
        return Seen(False, "the reply says nothing of tokens")
    return Seen(True, f"{in_words(usage.input_tokens, 'token')} in, {usage.output_tokens:,} out")


def calls_tools(reply: ModelReply) -> Seen:
    call = next((call for call in reply.calls if call.name == _TOOL.name), None)
    if call is not None and call.arguments is not None:
        return Seen(True, f"called {call.name}({_shortened(json.dumps(call.arguments))})")
    # Servers that know no tools drop them unsaid, but a weak model may just not have called.
    return Seen(None, "called with arguments that are no JSON" if call else f"made no call; {_said(reply)}")


def holds_to_schema(reply: ModelReply) -> Seen:
    try:
        answer = json.loads(reply.text)
    except ValueError:
        if reply.finish_reason in {"length", "max_tokens"}:
            return Seen(None, f"was cut off before an answer; {_said(reply)}")
        return Seen(False, _said(reply))
    held = isinstance(answer, dict) and set(answer) == {"animal"} and answer["animal"] in _WORDS
    return Seen(held, _said(reply))


def is_about_the_way(seen: Seen) -> bool:
    """A refusal of `tool_choice` says nothing of tools."""
    return seen.value is False and re.search(r"tool[_ ]choice", seen.evidence, re.IGNORECASE) is not None


def refused(error: AgentroutedError, *, local: bool) -> Seen:
    """A trial that ended so, after an ordinary call has succeeded. `local`: at a server of this machine."""
    status = error.provider.status if isinstance(error, ProviderError) and error.provider else None
    if status in (_REFUSALS_HERE if local else _REFUSALS):
        return Seen(False, f"refused: {error.message}")
    return Seen(None, f"could not be tried: {error.message}")


def pieces_of_text(batch: Sequence[Chunk]) -> int:
    return sum(isinstance(chunk, TextChunk | ReasoningChunk) for chunk in batch)


def _said(reply: ModelReply) -> str:
    return f"said {_shortened(reply.text)!r}"


def _shortened(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
