"""What a message holds, for formats that take it apart."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import InvalidParams
from agentrouted_protocol.messages import FilePart, ImagePart, Message, TextPart

_DATA_URL: Final = re.compile(r"data:([^;,]*)([^,]*),(.*)", re.DOTALL)
_TEXTS: Final = re.compile(r"text/|application/(\w+\+)?(json|xml|yaml|toml|javascript)\b")
_UNKNOWN: Final = "application/octet-stream"

# What people write, and only some vendors take.
_ALIASES: Final = {"image/jpg": "image/jpeg"}

# Where a format takes text only.
_TEXT_ONLY: Final = frozenset({"system", "assistant"})


@dataclass(frozen=True, slots=True)
class Inline:
    """A file that comes along, in base64."""

    mime_type: str
    data: str

    @property
    def url(self) -> str:
        return f"data:{self.mime_type};base64,{self.data}"

    @property
    def is_text(self) -> bool:
        return _TEXTS.match(self.mime_type) is not None

    def text(self) -> str:
        try:
            return base64.b64decode(self.data).decode("utf-8", "replace")
        except binascii.Error:
            return self.data


def inline(part: ImagePart | FilePart) -> Inline | None:
    """None where only an address is given. Raises `InvalidParams` where nothing is."""
    fallback = "image/png" if isinstance(part, ImagePart) else _UNKNOWN
    if part.data:
        return Inline(_mime_type(part.mime_type or fallback), part.data)
    if not part.url:
        raise InvalidParams(f"a part of the type `{part.type}` holds nothing", hint="give it `data` or a `url`")
    if found := _DATA_URL.fullmatch(part.url):
        is_encoded = found[2].endswith(";base64")
        data = found[3] if is_encoded else base64.b64encode(unquote_to_bytes(found[3])).decode()
        return Inline(_mime_type(part.mime_type or found[1] or fallback), data)
    return None


def _mime_type(written: str) -> str:
    return _ALIASES.get(written.lower(), written.lower())


def is_image(part: ImagePart | FilePart, file: Inline | None) -> bool:
    """Also a file whose type says so."""
    mime_type = (file.mime_type if file else part.mime_type) or ""
    return isinstance(part, ImagePart) or mime_type.startswith("image/")


def not_taken(endpoint: Endpoint, what: str, mend: str) -> InvalidParams:
    """The error for what a format has no place for."""
    return InvalidParams(f"{endpoint.label} does not take {what}", hint=mend)


def named_text(part: FilePart | ImagePart, file: Inline) -> str:
    """A file of text, as text."""
    name = part.name if isinstance(part, FilePart) else None
    return f"{name}:\n{file.text()}" if name else file.text()


def plain_text(message: Message) -> str:
    """Its text. Of images and files, the model is told that there was one."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text if isinstance(part, TextPart) else f"[{part.type}]" for part in message.content)


def is_failure(message: Message) -> bool:
    """Whether it is what became of a call that failed. A guess, by how ours begin: a message does not say, and a file
    that was read may begin so, too.
    """
    return isinstance(message.content, str) and message.content.startswith("Error: ")


def attached(message: Message) -> list[ImagePart | FilePart]:
    """Its images and files."""
    if isinstance(message.content, str):
        return []
    return [part for part in message.content if not isinstance(part, TextPart)]


def parts_out_of_place(endpoint: Endpoint, messages: Sequence[Message]) -> Iterator[str]:
    """Warnings of images and files that are only mentioned, since no format takes them there."""
    with_parts = [message for message in messages if not isinstance(message.content, str)]
    for role in sorted({message.role for message in with_parts if message.role in _TEXT_ONLY and attached(message)}):
        yield (
            f"images and files in messages of the role `{role}` are left out: {endpoint.provider}/{endpoint.model_id}"
            " takes text there"
        )
