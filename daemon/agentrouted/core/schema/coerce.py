"""Values that a schema can mean, made those it says."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.schema.bounded import Rules, count_step

# Where floats begin to leave out whole numbers.
_LARGEST_WHOLE: Final = 2**53


def coerced(rules: Rules, schema: Any, value: Any) -> Any:
    """`value` as this part of the schema wants it, where nothing is lost by that; else the same.

    Text is taken for the JSON that it holds where no text may be, a number for its text where only text may be. An
    optional member that is null and may not be is left out. What fits stays, but for 2.0, which becomes the integer 2.
    """
    count_step()
    if not isinstance(schema, dict):
        return value
    value = _of_type(schema.get("type"), value)
    if "$ref" in schema:
        value = coerced(rules, rules.resolved(schema["$ref"]), value)
    for part in schema.get("allOf", ()):
        value = coerced(rules, part, value)
    for keyword in ("anyOf", "oneOf"):
        value = _alternative(rules, schema.get(keyword, ()), value)
    if isinstance(value, dict):
        return _members(rules, schema, value)
    if isinstance(value, list):
        return _items(rules, schema, value)
    return value


def _alternative(rules: Rules, alternatives: Sequence[Any], value: Any) -> Any:
    """By the first that the value fits; if there is none, by the first that it then fits."""
    for alternative in alternatives:
        if rules.fits(alternative, value):
            return coerced(rules, alternative, value)
    for alternative in alternatives:
        result = coerced(rules, alternative, value)
        if rules.fits(alternative, result):
            return result
    return value


def _members(rules: Rules, schema: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    required = schema.get("required", ())
    result = {}
    for name, item in value.items():
        part = known.get(name, others)
        is_left_out = item is None and name in known and name not in required and not rules.fits(part, None)
        if not is_left_out:
            result[name] = coerced(rules, part, item)
    return result


def _items(rules: Rules, schema: Mapping[str, Any], value: Sequence[Any]) -> list[Any]:
    first, others = schema.get("prefixItems", ()), schema.get("items")
    if isinstance(others, list):
        first, others = others, schema.get("additionalItems")
    parts = [*first, *([others] * (len(value) - len(first)))]
    return [coerced(rules, part, item) for part, item in zip(parts, value, strict=False)]


def _of_type(wanted: Any, value: Any) -> Any:
    types = {wanted} if isinstance(wanted, str) else set(wanted or ())
    if isinstance(value, str) and types and "string" not in types:
        meant = _whole(types, _read(value))
        return meant if _type_of(meant, types) else value
    if types - {"null"} == {"string"} and _type_of(value, {"number"}):
        return to_json(value).decode()
    return _whole(types, value)


def _whole(types: set[str], value: Any) -> Any:
    if "integer" in types and "number" not in types and isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _LARGEST_WHOLE else value
    return value


def _read(text: str) -> Any:
    """What this JSON text means; the text itself if it is none. Python's way to write it is taken too."""
    try:
        return from_json({"True": "true", "False": "false", "None": "null"}.get(text, text), allow_inf_nan=False)
    except ValueError:
        return text


def _type_of(value: Any, types: set[str]) -> bool:
    """Whether it is of one of these types."""
    if value is None:
        return "null" in types
    if isinstance(value, bool):
        return "boolean" in types
    if isinstance(value, int):
        return not types.isdisjoint({"integer", "number"})
    if isinstance(value, float):
        return "number" in types and abs(value) != float("inf")
    if isinstance(value, str):
        return "string" in types
    return ("array" if isinstance(value, list) else "object") in types
