"""What a run says, as JSON in pieces that are kept once."""

import json
import zlib
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted_protocol.messages import Message

# Shorter ones are hardly made smaller.
_COMPRESS_FROM: Final = 1024

# Parts of the params that are longer are likely to come again: tools, instructions.
_LARGE: Final = 512


def encode(value: Any) -> bytes:
    """JSON as on the wire; half a surrogate pair, which UTF-8 has not, is escaped."""
    try:
        return to_json(value, by_alias=True, exclude_none=isinstance(value, Message))
    except ValueError:
        plain = value.model_dump(by_alias=True, exclude_none=True) if isinstance(value, Message) else value
        return json.dumps(plain, separators=(",", ":"), default=repr).encode()


def decode(text: bytes | str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


def decode_message(text: bytes) -> Message:
    return Message.model_validate(decode(text))


def pack(text: bytes) -> str | bytes:
    """As it goes into a body."""
    return text.decode() if len(text) < _COMPRESS_FROM else zlib.compress(text, 1)


def unpack(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else zlib.decompress(body)


def digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()


def split_params(params: dict[str, Any]) -> tuple[bytes, list[bytes]]:
    """The params without their large parts, and those: whatever is long, and each message."""
    messages = params.get("messages") or []
    others = {key: encode(value) for key, value in params.items() if key != "messages"}
    large = {key: text for key, text in others.items() if len(text) > _LARGE}
    rest = {key: value for key, value in params.items() if key not in large and not (messages and key == "messages")}
    return encode([rest, list(large)]), [*large.values(), *map(encode, messages)]


def join_params(text: str, pieces: list[bytes]) -> dict[str, Any]:
    """What `split_params` was given."""
    rest, large = decode(text)
    values = [decode(piece) for piece in pieces]
    params: dict[str, Any] = rest | dict(zip(large, values, strict=False))
    if messages := values[len(large) :]:
        params["messages"] = messages
    return params


def fold(ending: dict[str, Any], places: dict[bytes, int]) -> dict[str, Any]:
    """A result or an error, its messages given by their places in the transcript, by digest."""
    return _with_messages(ending, lambda message: places.get(digest(encode(message)), message))


def unfold(ending: dict[str, Any], texts: dict[int, bytes]) -> dict[str, Any]:
    """What `fold` was given; `texts` by place."""
    return _with_messages(ending, lambda message: decode(texts[message]) if isinstance(message, int) else message)


def _with_messages(ending: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    if isinstance(messages := ending.get("messages"), list):
        return {**ending, "messages": [change(message) for message in messages]}
    if isinstance(data := ending.get("data"), dict):
        return {**ending, "data": _with_messages(data, change)}
    return ending
