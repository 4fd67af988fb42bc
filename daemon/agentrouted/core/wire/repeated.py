"""What a provider repeats of a request, taken out."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any, Final

from pydantic_core import from_json

from agentrouted.core.wire.parts import plain_text
from agentrouted_protocol.messages import Message

# Characters. What is shorter stands in many messages by chance; of what is longer, as much begins what was repeated.
_SHORTEST: Final = 12
_BEGINNING: Final = 24

# What people, tools and models say stands under these names, in all formats.
_SAID: Final = frozenset({"arguments", "content", "error", "input", "instructions", "output", "system", "text"})

# Arguments of a call: the names in them are the tool's own.
_ARGUMENTS: Final = frozenset({"args", "arguments", "input"})


def said_in(body: bytes) -> list[str]:
    """What is said in the body of a request."""
    return list(_said(from_json(body), "")) if body else []


def said_by(messages: Sequence[Message]) -> list[str]:
    """What is said in a conversation."""
    calls = [call.arguments for message in messages for call in message.tool_calls or ()]
    return [*map(plain_text, messages), *_strings(calls)]


def without_repeated(text: str, said: Iterable[str]) -> str:
    """Also where it is cut short, or written as JSON or Python writes it."""
    # No more of it can stand there than there is.
    for each in sorted({each.strip()[: len(text)] for each in said}, key=len, reverse=True):
        if len(each) >= _SHORTEST:
            for written in {each, json.dumps(each, ensure_ascii=False)[1:-1], json.dumps(each)[1:-1], repr(each)[1:-1]}:
                text = _without(text, written)
    return text


def _without(text: str, written: str) -> str:
    while (at := text.find(written[:_BEGINNING])) >= 0:
        same = takewhile(lambda pair: pair[0] == pair[1], zip(text[at:], written, strict=False))
        text = f"{text[:at]}[…]{text[at + sum(1 for _ in same) :]}"
    return text


def _said(node: Any, name: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _ARGUMENTS:
                yield from _strings(_read(value))
            yield from _said(value, key)
    elif isinstance(node, list):
        for item in node:
            yield from _said(item, name)
    elif isinstance(node, str) and name in _SAID:
        yield node


def _read(arguments: Any) -> Any:
    """Some formats have them as JSON in a string; a list is none, but a conversation."""
    if isinstance(arguments, str):
        with contextlib.suppress(ValueError):
            arguments = from_json(arguments)
    return arguments if isinstance(arguments, dict) else None


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _strings(item)
