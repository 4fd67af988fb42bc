"""A JSON Schema as Gemini takes it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agentrouted.core.wire.inlined import inlined

# All other fields are answered with an error. https://ai.google.dev/api/caching#Schema
_TAKEN: Final = frozenset(
    {
        "type", "format", "description", "nullable", "enum", "properties", "required", "items", "pattern", "minimum",
        "maximum", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties",
    }
)  # fmt: skip
_FORMATS: Final = frozenset({"date-time", "enum", "float", "double", "int32", "int64"})
_ALTERNATIVES: Final = ("anyOf", "oneOf")


def gemini_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What Gemini can be told of it. It takes no references, nothing without a type, and alternatives only alone."""
    return _told(inlined(schema))


def _told(schema: Any) -> dict[str, Any]:
    schema = _joined(schema) if isinstance(schema, Mapping) else {}
    if alternatives := _alternatives(schema):
        return _one_of(schema, alternatives)
    told = {name: value for name, value in schema.items() if name in _TAKEN}
    told["type"] = _type(schema)
    if told.get("format") not in _FORMATS:
        told.pop("format", None)
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        told["properties"] = {name: _told(value) for name, value in properties.items()}
    if "required" in told:
        told["required"] = [name for name in told["required"] if name in told.get("properties", ())]
    if told["type"] == "array":
        told["items"] = _told(schema.get("items") or {"anyOf": schema.get("prefixItems") or [{}]})
    return _with_values(told, [schema["const"]] if "const" in schema else schema.get("enum"))


def _joined(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """With all of `allOf` in one."""
    joined: dict[str, Any] = {name: value for name, value in schema.items() if name != "allOf"}
    for part in schema.get("allOf") or ():
        part = _joined(part) if isinstance(part, Mapping) else {}
        properties = {**part.get("properties", {}), **joined.get("properties", {})}
        required = [*joined.get("required", ()), *part.get("required", ())]
        joined = {**part, **joined}
        joined |= {"properties": properties, "required": required} if properties else {}
    return joined


def _alternatives(schema: Mapping[str, Any]) -> Sequence[Any]:
    types = schema.get("type")
    if isinstance(types, list) or types == "null":
        return [{"type": name} for name in ([types] if isinstance(types, str) else types)]
    return next((schema[name] for name in _ALTERNATIVES if isinstance(schema.get(name), list)), ())


def _one_of(schema: Mapping[str, Any], alternatives: Sequence[Any]) -> dict[str, Any]:
    shared = {name: value for name, value in schema.items() if name not in (*_ALTERNATIVES, "type")}
    real = [each for each in alternatives if isinstance(each, Mapping) and each.get("type") != "null"]
    nullable = {"nullable": True} if len(real) < len(alternatives) else {}
    told = [{**_told({**shared, **each}), **nullable} for each in real]
    if len(told) == 1:
        description = {"description": shared["description"]} if "description" in shared else {}
        return {**told[0], **description}
    return {"anyOf": told} if told else {"type": "string", "nullable": True}


def _type(schema: Mapping[str, Any]) -> str:
    if isinstance(schema.get("type"), str):
        return str(schema["type"])
    values = [schema["const"]] if "const" in schema else schema.get("enum") or ()
    if values and all(isinstance(value, int | float) for value in values):
        return "number"
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _with_values(told: dict[str, Any], values: Any) -> dict[str, Any]:
    """Only texts can be listed, and none of them empty; other values are told in words."""
    told.pop("enum", None)
    if not values:
        return told
    if told["type"] == "string" and all(isinstance(value, str) and value for value in values):
        return {**told, "enum": list(values)}
    words = f"One of: {', '.join(map(repr, values))}"
    return {**told, "description": f"{told['description']} {words}" if told.get("description") else words}
