"""JSON as servers and models really write it."""

import json
from typing import Any

from pydantic_core import from_json


def parse(text: bytes | str) -> Any:
    """Forgives line breaks in strings, and broken characters: they become U+FFFD.

    Raises ValueError, also for what is nested too deep for `to_json` to write it again.
    """
    try:
        return from_json(text)
    except ValueError:
        decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    try:
        plain = json.dumps(json.loads(decoded, strict=False), ensure_ascii=False)
    except RecursionError:
        raise ValueError("nested too deep") from None
    # Half a surrogate pair, where a server has cut between two halves, is no character that could be sent on.
    return from_json(plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
