"""What a model meant, made what the schema says."""

from collections.abc import Mapping
from typing import Any

import pytest

from agentrouted.core.schema.check import compile_fit
from agentrouted.core.schema.fit import DoesNotFit


def of(*types: str, **more: Any) -> dict[str, Any]:
    return {"type": types[0] if len(types) == 1 else list(types), **more}


def members(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


INTEGER, NUMBER, TEXT = of("integer"), of("number"), of("string")
MAYBE = {"anyOf": [INTEGER, of("null")]}


@pytest.mark.parametrize(
    ("schema", "value", "meant"),
    [
        (INTEGER, "2", 2),
        (INTEGER, "-2", -2),
        (INTEGER, " 2 ", 2),
        (INTEGER, 2.0, 2),
        (INTEGER, "2.0", 2),
        (NUMBER, "2", 2),
        (NUMBER, "2.5", 2.5),
        (NUMBER, "1e3", 1000.0),
        (NUMBER, 2.0, 2.0),
        (INTEGER, "123456789012345678901234567890", 123456789012345678901234567890),
        (of("boolean"), "true", True),
        (of("boolean"), "False", False),
        (TEXT, 2, "2"),
        (TEXT, 2.5, "2.5"),
        (of("string", "null"), 2, "2"),
        (of("integer", "null"), "null", None),
        (of("array", items=INTEGER), '["1", 2]', [1, 2]),
        (members(a=INTEGER), '{"a": "1"}', {"a": 1}),
        (members(a=INTEGER), {"a": "1", "b": "1"}, {"a": 1, "b": "1"}),
        (of("object", additionalProperties=INTEGER), {"a": "1"}, {"a": 1}),
        (of("array", prefixItems=[TEXT, INTEGER], items=of("boolean")), [1, "1", "true"], ["1", 1, True]),
        (of("array", prefixItems=[INTEGER, INTEGER]), ["1"], [1]),
        (MAYBE, "2", 2),
        (MAYBE, "None", None),
        ({"oneOf": [of("array", items=INTEGER), INTEGER]}, '["1"]', [1]),
        ({"anyOf": [members(a=INTEGER), of("null")]}, '{"a": "1"}', {"a": 1}),
        ({"anyOf": [INTEGER, members(a=INTEGER)]}, {"a": 1.0}, {"a": 1}),
        ({"allOf": [members(a=INTEGER), members(b=NUMBER)]}, {"a": "1", "b": "2"}, {"a": 1, "b": 2}),
        ({"$ref": "#/$defs/A", "$defs": {"A": members(a=INTEGER)}}, {"a": "1"}, {"a": 1}),
        (members(a=INTEGER), {"a": None}, {}),
        (members(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": INTEGER}}, {"a": None}, {}),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [INTEGER]}, ["1"], [1]),
    ],
)
def test_what_was_meant_is_taken(schema: Mapping[str, Any], value: Any, meant: Any) -> None:
    result = compile_fit(schema)(value)
    assert (result, type(result)) == (meant, type(meant))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (TEXT, "2"),
        (of("string", "integer"), "2"),
        (of("integer", "string"), "2"),
        ({"anyOf": [INTEGER, TEXT]}, "2"),
        ({"anyOf": [TEXT, of("array")]}, "[1]"),
        (of("integer", "number"), 2.0),
        ({}, "2"),
        ({}, None),
        (True, {"a": None}),
        (members(a=of("integer", "null")), {"a": None}),
        (members(a={}), {"a": None}),
        (members(a=MAYBE), {"a": None}),
        (members(), {"a": None}),
        (of("boolean"), True),
    ],
)
def test_what_fits_stays_as_it_is(schema: Any, value: Any) -> None:
    result = compile_fit({"allOf": [schema]})(value)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (INTEGER, "2.5"),
        (INTEGER, 2.5),
        (INTEGER, "007"),
        (INTEGER, "+2"),
        (INTEGER, "2 apples"),
        (INTEGER, ""),
        (INTEGER, True),
        (INTEGER, None),
        (INTEGER, "9" * 5000),
        (NUMBER, "NaN"),
        (NUMBER, "Infinity"),
        (NUMBER, "1e400"),
        (NUMBER, "1,5"),
        (of("boolean"), "yes"),
        (of("boolean"), 1),
        (TEXT, True),
        (TEXT, None),
        (TEXT, {}),
        (TEXT, [1]),
        (of("null"), "x"),
        (of("array"), "1, 2"),
        (of("array"), '{"a": 1}'),
        (of("array"), 1),
        (of("object"), "[1]"),
        (of("object"), '{"a": '),
        (members(a=INTEGER) | {"required": ["a"]}, {"a": None}),
    ],
)
def test_what_would_be_a_guess_is_refused(schema: Mapping[str, Any], value: Any) -> None:
    with pytest.raises(DoesNotFit):
        compile_fit(schema)(value)


def test_what_was_given_is_not_changed() -> None:
    value = {"a": ["1"], "b": None}
    fit = compile_fit(members(a=of("array", items=INTEGER), b=INTEGER))
    assert fit(value) == {"a": [1]}
    assert value == {"a": ["1"], "b": None}


def test_coercing_twice_changes_nothing_more() -> None:
    fit = compile_fit(members(a=of("array", items=INTEGER), b=TEXT))
    once = fit({"a": '["1"]', "b": 2})
    assert fit(once) == once == {"a": [1], "b": "2"}
