"""How long a message is for a model: an estimate."""

from typing import Final

from agentrouted_protocol.messages import Message, TextPart

CHARACTERS_PER_TOKEN: Final = 4


def tokens_of(message: Message) -> int:
    """Of its text and its calls. Images, files and reasoning are not counted."""
    calls = message.tool_calls or ()
    return tokens_of_text(text_of(message)) + sum(
        tokens_of_text(call.name) + tokens_of_text(str(call.arguments)) for call in calls
    )


def tokens_of_text(text: str) -> int:
    """About four characters a token; at least one, unless the text is empty."""
    return max(1, len(text) // CHARACTERS_PER_TOKEN) if text else 0


def text_of(message: Message) -> str:
    """All its text, without its images and files."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content if isinstance(part, TextPart))
