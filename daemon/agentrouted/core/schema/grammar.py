"""What a JSON Schema may say: each keyword with its kind."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})

# Where schemas stand inside of schemas.
_SCHEMA: Final = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_LIST_OF_SCHEMAS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS_BY_NAME: Final = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)

# In these drafts, `items` may be a list and `dependencies` has lists of names too.
_OLDER: Final = ("draft-0", "2019-09")


def _is_number(value: Any) -> bool:
    # Draft 4 has true and false for `exclusiveMinimum`.
    return isinstance(value, int | float)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 0 and value == int(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _names_types(value: Any) -> bool:
    return _TYPES.issuperset([value] if isinstance(value, str) else value if _are_texts(value) else [""])


def _lists_by_name(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_are_texts(item) for item in value.values())


_Kind = tuple[Callable[[Any], bool], str]
_NUMBER: Final[_Kind] = (_is_number, "a number")
_COUNT: Final[_Kind] = (_is_count, "a whole number, 0 or more")
_TEXT: Final[_Kind] = (_is_text, "a string")

_PLAIN: Final[Mapping[str, _Kind]] = {
    "$anchor": _TEXT,
    "$dynamicAnchor": _TEXT,
    "$dynamicRef": _TEXT,
    "$id": _TEXT,
    "$ref": _TEXT,
    "$schema": _TEXT,
    "dependentRequired": (_lists_by_name, "an object of lists of strings"),
    "enum": (lambda value: isinstance(value, list | tuple), "a list"),
    "exclusiveMaximum": _NUMBER,
    "exclusiveMinimum": _NUMBER,
    "format": _TEXT,
    "maxContains": _COUNT,
    "maxItems": _COUNT,
    "maxLength": _COUNT,
    "maxProperties": _COUNT,
    "maximum": _NUMBER,
    "minContains": _COUNT,
    "minItems": _COUNT,
    "minLength": _COUNT,
    "minProperties": _COUNT,
    "minimum": _NUMBER,
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number greater than 0"),
    "pattern": _TEXT,
    "required": (_are_texts, "a list of strings"),
    "type": (_names_types, f"one of {', '.join(sorted(_TYPES))}, or a list of these"),
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
}


def faults(schema: Any) -> Iterator[str]:
    """What is wrong with it, each with its place; nothing if it is a JSON Schema.

    The library's own check, by the metaschema, takes half a millisecond for each property.
    """
    is_older = isinstance(schema, Mapping) and any(each in str(schema.get("$schema")) for each in _OLDER)
    places = [("", schema)]
    while places:
        place, schema = places.pop()
        if isinstance(schema, Mapping):
            for keyword, value in schema.items():
                path = f"{place}.{keyword}" if place else str(keyword)
                if kind := _PLAIN.get(keyword):
                    if not kind[0](value):
                        yield f"`{path}` must be {kind[1]}"
                elif keyword == "items" and isinstance(value, list) and not is_older:
                    yield f"`{path}` must be a schema: those of single places stand under `prefixItems`"
                elif fault := _subschemas(path, keyword, value, places):
                    yield fault
        elif not isinstance(schema, bool):
            yield f"`{place}` must be a schema: an object, or true or false" if place else "it must be an object"


def _subschemas(path: str, keyword: str, value: Any, places: list[tuple[str, Any]]) -> str | None:
    """Adds those under this keyword to `places`; returns what is wrong if there are none where they should be."""
    if keyword in _LIST_OF_SCHEMAS or (keyword == "items" and isinstance(value, list)):
        if not isinstance(value, list):
            return f"`{path}` must be a list of schemas"
        places += [(f"{path}[{number}]", item) for number, item in enumerate(value)]
    elif keyword in _SCHEMAS_BY_NAME:
        if not isinstance(value, Mapping):
            return f"`{path}` must be an object of schemas"
        named = ((name, item) for name, item in value.items() if keyword != "dependencies" or not _are_texts(item))
        places += [(f"{path}.{name}", item) for name, item in named]
    elif keyword in _SCHEMA:
        places.append((path, value))
    return None
