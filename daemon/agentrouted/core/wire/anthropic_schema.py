"""A JSON Schema as Anthropic's structured outputs take it."""

from collections.abc import Mapping
from typing import Any, Final

# What it has no room for, it answers with 400: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
_REFUSED: Final = frozenset(
    {
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "uniqueItems",
    }
)
_HOLD_SCHEMAS_BY_NAME: Final = frozenset({"$defs", "definitions", "properties"})
_HOLD_VALUES: Final = frozenset({"const", "default", "enum", "examples"})


def narrowed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Objects allow no members but those they name, and limits go: the reply is held to those when it is there."""
    given = {"anyOf" if keyword == "oneOf" else keyword: value for keyword, value in schema.items()}
    kept = {keyword: _inside(keyword, value) for keyword, value in given.items() if keyword not in _REFUSED}
    if "properties" in kept or kept.get("type") == "object":
        kept.setdefault("additionalProperties", False)
    return kept


def _inside(keyword: str, value: Any) -> Any:
    if keyword in _HOLD_SCHEMAS_BY_NAME and isinstance(value, Mapping):
        return {name: _inside("", each) for name, each in value.items()}
    if keyword in _HOLD_VALUES:
        return value
    if isinstance(value, list):
        return [_inside("", each) for each in value]
    return narrowed(value) if isinstance(value, Mapping) else value
