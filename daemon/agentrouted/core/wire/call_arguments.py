"""The arguments of a call, from and as a model writes them."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import to_json

from agentrouted.core.wire.loose_json import parse

_FENCED: Final = re.compile(r"```\w*\n(.*)```", re.DOTALL)

# Text is passed over as a whole, also where it has no end, so that no character is looked at twice.
_TEXT_OR_LAST_COMMA: Final = re.compile(r'("(?:\\.|[^"\\])*+"?)|,(?=\s*[}\]])', re.DOTALL)


def arguments_in(text: str) -> dict[str, Any] | None:
    """None where they are no object. Nothing, `null` and, as PHP has it, `[]` mean no arguments.

    Some send the JSON text once more as a JSON string. What can mean but one thing is mended; what was cut off is not.
    """
    if not text.strip():
        return {}
    try:
        value = _parsed(text)
        value = _parsed(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return {} if value in (None, []) else value if isinstance(value, dict) else None


def arguments_text(arguments: Mapping[str, Any]) -> str:
    """With blanks, as most models write it themselves: what comes back as it was is found in their caches."""
    try:
        return json.dumps(arguments, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return to_json(arguments, inf_nan_mode="null").decode()


def _parsed(text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        return parse(_mended(text))


def _mended(text: str) -> str:
    """Without a fence around it, the empty object that some proxies begin with, and commas after the last item."""
    fenced = _FENCED.fullmatch(text.strip())
    inside = (fenced[1] if fenced else text).strip().removeprefix("{}")
    return _TEXT_OR_LAST_COMMA.sub(lambda found: found[1] or "", inside)
