"""A JSON Schema as Gemini takes it: what it would answer with an error is left out or said otherwise."""

from typing import Any

import pytest

from agentrouted.core.wire.gemini_schema import gemini_schema

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
TREE = {"$ref": "#/$defs/Tree", "$defs": {"Tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Tree"}}}}}


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "object", "properties": {"a": TEXT}, "additionalProperties": False, "$schema": "x", "title": "A"},
         {"type": "object", "properties": {"a": TEXT}}),
        ({"properties": {"a": True, "b": {}}, "required": ["a", "gone"]},
         {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a"]}),
        ({"$ref": "#/$defs/A", "description": "mine", "$defs": {"A": {**TEXT, "description": "its own"}}},
         {**TEXT, "description": "mine"}),
        (TREE, {"type": "object", "properties": {"next": {"type": "object"}}}),
        ({"$ref": "#/nowhere"}, TEXT),
        ({"type": ["string", "null"]}, {**TEXT, "nullable": True}),
        ({"anyOf": [TEXT, {"type": "null"}], "description": "d", "default": None},
         {**TEXT, "description": "d", "nullable": True}),
        ({"type": ["string", "number"]}, {"anyOf": [TEXT, NUMBER]}),
        ({"oneOf": [TEXT, NUMBER, {"type": "null"}], "description": "d"},
         {"anyOf": [{**TEXT, "description": "d", "nullable": True}, {**NUMBER, "description": "d", "nullable": True}]}),
        ({"type": "null"}, {"type": "string", "nullable": True}),
        ({"enum": ["a", "b"]}, {**TEXT, "enum": ["a", "b"]}),
        ({"const": "a"}, {**TEXT, "enum": ["a"]}),
        ({"type": "integer", "enum": [1, 2], "description": "d"}, {"type": "integer", "description": "d One of: 1, 2"}),
        ({"enum": ["", "a"]}, {**TEXT, "description": "One of: '', 'a'"}),
        ({**TEXT, "format": "email"}, TEXT),
        ({**TEXT, "format": "date-time", "minLength": 1, "pattern": "^a"},
         {**TEXT, "format": "date-time", "minLength": 1, "pattern": "^a"}),
        ({"type": "array"}, {"type": "array", "items": TEXT}),
        ({"type": "array", "prefixItems": [NUMBER, TEXT], "items": False},
         {"type": "array", "items": {"anyOf": [NUMBER, TEXT]}}),
        ({"items": NUMBER, "uniqueItems": True}, {"type": "array", "items": NUMBER}),
        ({"type": "integer", "exclusiveMinimum": 0, "maximum": 9}, {"type": "integer", "maximum": 9}),
        ({"allOf": [{"properties": {"a": TEXT}, "required": ["a"]}, {"properties": {"b": NUMBER}}]},
         {"type": "object", "properties": {"a": TEXT, "b": NUMBER}, "required": ["a"]}),
    ],
)  # fmt: skip
def test_what_gemini_is_told(schema: dict[str, Any], told: dict[str, Any]) -> None:
    assert gemini_schema(schema) == told


def test_a_property_may_be_called_like_a_keyword() -> None:
    schema = {"type": "object", "properties": dict.fromkeys(("$defs", "title", "format", "anyOf", "type"), TEXT)}
    assert gemini_schema(schema) == schema


def test_types_that_hold_each_other_are_not_written_out_for_ever() -> None:
    names = [f"T{number}" for number in range(12)]
    node = {"type": "object", "properties": {name: {"$ref": f"#/$defs/{name}"} for name in names}}
    told = gemini_schema({**node, "$defs": dict.fromkeys(names, node)})
    assert told["properties"]["T0"]["properties"]["T0"] == {"type": "object"}
    assert len(str(told)) < 1_000_000
