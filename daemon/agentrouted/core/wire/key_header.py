"""The header that a key goes in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agentrouted.core.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class KeyHeader:
    name: str
    before: str = ""
    """What stands before the key."""


_USUAL: Final = KeyHeader("authorization", "Bearer ")
_BY_WIRE: Final[Mapping[str, KeyHeader]] = {"gemini_generate_content": KeyHeader("x-goog-api-key")}


def key_header(endpoint: Endpoint) -> KeyHeader:
    return _BY_WIRE.get(endpoint.wire, _USUAL)
