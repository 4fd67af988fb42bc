"""JSON as servers and models really write it."""

import json
from typing import Any

from pydantic_core import from_json


def parse(text: bytes | str) -> Any:
    """Forgives line breaks in strings, and broken characters: they become U+FFFD. Raises ValueError."""
    try:
        return from_json(text)
    except ValueError:
        decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        value = json.loads(decoded, strict=False)
    # Half a surrogate pair, where a server has cut between two halves, is no character that could be sent on.
    whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.loads(whole)
