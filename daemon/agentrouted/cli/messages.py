"""A message of a conversation, as a person reads it."""

import json
from collections.abc import Iterable

from agentrouted.cli.terminal import Part, show
from agentrouted_protocol.messages import Message, TextPart


def show_messages(messages: Iterable[Message]) -> None:
    for message in messages:
        who: Part = (f"{message.name or message.role}:", "bold")
        if text := _text(message):
            show(who, f" {text}")
        for call in message.tool_calls or ():
            show(who, f" {call.name}({json.dumps(call.arguments, ensure_ascii=False)})")


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text if isinstance(part, TextPart) else f"[{part.type}]" for part in message.content)
