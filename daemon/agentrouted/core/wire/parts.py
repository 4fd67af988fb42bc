"""What a message holds, for formats that take it apart."""

import re
from dataclasses import dataclass
from typing import Final

from agentrouted_protocol.messages import FilePart, ImagePart, Message, TextPart

_DATA_URL: Final = re.compile(r"data:([^;,]*)[^,]*;base64,(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Inline:
    """A file that comes along, in base64."""

    mime_type: str
    data: str


def inline(part: ImagePart | FilePart) -> Inline | None:
    """None where only an address is given."""
    fallback = "image/png" if isinstance(part, ImagePart) else "application/octet-stream"
    if part.data:
        return Inline(part.mime_type or fallback, part.data)
    if found := _DATA_URL.fullmatch(part.url or ""):
        return Inline(part.mime_type or found[1] or fallback, found[2])
    return None


def plain_text(message: Message) -> str:
    """Its text. Of images and files, the model is told that there was one."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text if isinstance(part, TextPart) else f"[{part.type}]" for part in message.content)
