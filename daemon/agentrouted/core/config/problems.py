"""pydantic's errors as problems: where, what, and the mend."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from agentrouted.core.config.api_key import TAGS
from agentrouted.core.config.document import Document, KeyPath, dotted
from agentrouted.core.config.known import NOT_SERVED_YET, section_at
from agentrouted.core.config.model import Config
from agentrouted_protocol.config import Problem, Range

# Not the apostrophe of "folder's".
_QUOTE: Final = re.compile(r"(?<!\w)'|'(?!\w)")

_WHOLE = "must be a whole number"
_TEXT = "must be text"
_LIST = "must be a list"
_MAPPING = "must be a mapping"
_MESSAGES: Mapping[str, str] = {
    "refused": "{message}",
    "string_type": _TEXT,
    "string_pattern_mismatch": "has a character that cannot stand there",
    "bool_type": "must be `true` or `false`",
    "bool_parsing": "must be `true` or `false`",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "is too large",
    "int_from_float": _WHOLE,
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be over {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "too_short": "must have at least {min_length}, and has {actual_length}",
    "too_long": "must have {max_length}, and has {actual_length}",
    "tuple_type": _LIST,
    "list_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
}


def problem_of(error: ErrorDetails, document: Document, root: type[BaseModel] = Config) -> Problem:
    """Says nothing of the value itself: it may be a key. `root` is what the file as a whole has to be."""
    location: KeyPath = tuple(part for part in error["loc"] if part not in TAGS)
    if error["type"] == "extra_forbidden":
        return _unknown_key(location, document, root)
    if location[-1:] == ("[key]",):
        return _problem(location[:-1], error, _key_range(location[:-1], document))
    path = _written_part(location, document.data)
    place = document.place_of(path)
    where = place.value if place else None
    return _missing(path, location, where) if error["type"] == "missing" else _problem(path, error, where)


def _problem(path: KeyPath, error: ErrorDetails, where: Range | None) -> Problem:
    context: dict[str, Any] = error.get("ctx", {})
    template = _MESSAGES.get(error["type"])
    said = _QUOTE.sub("`", template.format_map(context)) if template else f"is not valid ({error['type']})"
    subject = f"`{dotted(path)}`" if path else "the file"
    hint = context.get("hint") or _HINTS.get(error["type"])
    return Problem(path=dotted(path), message=f"{subject} {said}", range=where, hint=hint)


_EACH = "begin each with a dash: `- …`"
_NAMED = "begin each with its name: `NAME: …`"
_HINTS: Mapping[str, str] = {
    "string_type": "put it in quotes",
    "tuple_type": _EACH,
    "list_type": _EACH,
    "frozen_set_type": _EACH,
    "dict_type": _NAMED,
    "model_type": _NAMED,
    "model_attributes_type": _NAMED,
    "literal_error": "nothing else is supported by this version",
}


def _missing(path: KeyPath, location: KeyPath, where: Range | None) -> Problem:
    full = location if len(path) == len(location) - 1 else path
    return Problem(path=dotted(full), message=f"`{dotted(path)}` needs `{location[-1]}`", range=where)


def _unknown_key(path: KeyPath, document: Document, root: type[BaseModel]) -> Problem:
    name, section = str(path[-1]), section_at(path[:-1], root)
    where = _key_range(path, document)
    if name in NOT_SERVED_YET:
        return Problem(path=dotted(path), message=f"`{name}` is not supported by this version", range=where)
    known = {_spelled(field): field for field in section.model_fields} if section else {}
    near = get_close_matches(_spelled(name), known, 1)
    hint = f"did you mean `{known[near[0]]}`?" if near else f"known here: {', '.join(known.values())}"
    if section is not root and name in root.model_fields:
        hint += f" (`{name}` stands at the top of the file)"
    elif root is not Config and name in Config.model_fields:
        hint = f"`{name}` has to stand in your own config, `~/.agentroute/config.yaml`"
    place = f" under `{dotted(path[:-1])}`" if len(path) > 1 else ""
    return Problem(path=dotted(path), message=f"unknown key `{dotted(path[-1:])}`{place}", range=where, hint=hint)


def _spelled(name: str) -> str:
    # `apiBase` and `api-base` are nearest to `api_base`.
    return name.lower().replace("-", "").replace("_", "")


def _key_range(path: KeyPath, document: Document) -> Range | None:
    place = document.place_of(path)
    return (place.key or place.value) if place else None


def _written_part(location: KeyPath, data: Any) -> KeyPath:
    # A short form, such as `fast: groq/llama`, is checked in its long form; people see the part that they wrote.
    for length, part in enumerate(location):
        inside: dict[Any, Any] = dict(enumerate(data)) if isinstance(data, list) else data
        if not isinstance(inside, dict) or part not in inside:
            return location[:length]
        data = inside[part]
    return location
