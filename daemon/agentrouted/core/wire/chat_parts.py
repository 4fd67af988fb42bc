"""Images and files, as a chat completion takes them."""

from collections.abc import Mapping
from typing import Any, Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.quirks.profile import quirks_of
from agentrouted.core.wire.parts import Inline, inline, is_image, named_text, not_taken
from agentrouted_protocol.messages import FilePart, ImagePart, Part, TextPart

_SOUNDS: Final[Mapping[str, str]] = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


def chat_part(endpoint: Endpoint, part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    file = inline(part)
    if is_image(part, file):
        return {"type": "image_url", "image_url": {"url": file.url if file else part.url}}
    if file is None and not quirks_of(endpoint).file_addresses:
        raise not_taken(endpoint, "the address of a file", "give the file as base64 `data` in place of its `url`")
    return _file(part, file)


def _file(part: FilePart | ImagePart, file: Inline | None) -> dict[str, Any]:
    if file and file.is_text:
        # Few servers know files, and all know text.
        return {"type": "text", "text": named_text(part, file)}
    if file and (sound := _SOUNDS.get(file.mime_type)):
        return {"type": "input_audio", "input_audio": {"data": file.data, "format": sound}}
    name = (part.name if isinstance(part, FilePart) else None) or "file"
    return {"type": "file", "file": {"filename": name, "file_data": file.url if file else part.url}}
