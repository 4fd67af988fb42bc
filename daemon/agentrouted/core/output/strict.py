"""Whether OpenAI takes a schema as a strict one."""

from collections.abc import Mapping
from typing import Any, Final

# https://platform.openai.com/docs/guides/structured-outputs: what it has no room for, it answers with 400.
_KNOWN: Final = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "definitions",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "items",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    }
)


def is_strict(schema: Mapping[str, Any]) -> bool:
    """True if all its objects name all their members, require each, and allow no other."""
    return "anyOf" not in schema and _complies(schema)


def _complies(schema: Any) -> bool:
    if not isinstance(schema, Mapping) or not _KNOWN.issuperset(schema):
        return False
    if (schema.get("type") == "object" or "properties" in schema) and not _is_closed(schema):
        return False
    named = [part for keyword in ("properties", "$defs", "definitions") for part in schema.get(keyword, {}).values()]
    parts = [*named, *schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())]
    return all(map(_complies, parts))


def _is_closed(schema: Mapping[str, Any]) -> bool:
    names = schema.get("properties", {}).keys()
    return schema.get("additionalProperties") is False and names == set(schema.get("required", ()))
