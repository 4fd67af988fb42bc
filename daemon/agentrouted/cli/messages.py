"""A message of a conversation, as a person reads it."""

import json
import sys
from collections.abc import Iterator

from agentrouted.cli.terminal import printable, styled
from agentrouted_protocol.messages import Message, TextPart


def lines_of(message: Message) -> Iterator[str]:
    who = styled(f"{message.name or message.role}:", "bold", sys.stdout)
    if text := _text(message):
        yield f"{who} {printable(text)}"
    for call in message.tool_calls or ():
        yield f"{who} {printable(f'{call.name}({json.dumps(call.arguments)})')}"


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text if isinstance(part, TextPart) else f"[{part.type}]" for part in message.content)
