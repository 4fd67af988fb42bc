"""Values against a JSON Schema: what fits, what is said of what does not."""

import contextlib
import gc
import socket
import subprocess
import sys
import weakref
from collections.abc import Mapping
from typing import Any, NoReturn

import pytest

from agentrouted.core.errors import InvalidParams
from agentrouted.core.schema.check import compile_fit
from agentrouted.core.schema.fit import DoesNotFit

SECRET = "hunter2"
PRICES = {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/Item"}}}}
PRICES["$defs"] = {"Item": {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]}}
PETS = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}},
            "required": ["kind", "lives"],
        },
        {"type": "object", "properties": {"kind": {"const": "dog"}}, "required": ["kind"]},
    ]
}


def problems(schema: Mapping[str, Any], value: Any) -> tuple[str, ...]:
    with pytest.raises(DoesNotFit) as caught:
        compile_fit(schema)(value)
    return caught.value.problems


def fault(schema: Mapping[str, Any]) -> str:
    with pytest.raises(InvalidParams) as caught:
        compile_fit(schema)
    return caught.value.message


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        (PRICES, {"items": [{"price": 1}, {}, {"price": SECRET}]},
         ("items[1]: 'price' is missing", "items[2].price: is not of type 'number'")),
        ({"type": "object"}, SECRET, ("(root): is not of type 'object'",)),
        ({"type": ["integer", "null"]}, SECRET, ("(root): is not of type 'integer' or 'null'",)),
        ({"properties": {"a": {}}, "additionalProperties": False}, {SECRET: 1},
         ('(root): has members other than ["a"]',)),
        ({"enum": ["a", "b"]}, SECRET, ('(root): is not one of ["a","b"]',)),
        ({"const": 1}, SECRET, ("(root): is not 1",)),
        ({"pattern": "^a"}, SECRET, ('(root): does not match the pattern "^a"',)),
        ({"minLength": 9}, SECRET, ("(root): is shorter than 9 characters",)),
        ({"maxLength": 2}, SECRET, ("(root): is longer than 2 characters",)),
        ({"items": {"maximum": 5}}, [1, 777], ("[1]: is greater than 5",)),
        ({"exclusiveMinimum": 999}, 777, ("(root): is not greater than 999",)),
        ({"multipleOf": 2}, 777, ("(root): is not a multiple of 2",)),
        ({"uniqueItems": True}, [SECRET, SECRET], ("(root): has the same item twice",)),
        ({"minItems": 2}, [SECRET], ("(root): has fewer than 2 items",)),
        ({"not": {}}, SECRET, ("(root): is what it must not be",)),
        ({"properties": {"a": False}}, {"a": SECRET}, ("(root): holds what may not be there",)),
        ({"if": True, "then": {"type": "null"}}, SECRET, ("(root): is not of type 'null'",)),
        ({"propertyNames": {"maxLength": 1}}, {SECRET: 1}, ("(root): is longer than 1 character",)),
        ({"dependentRequired": {"a": ["b"]}}, {"a": SECRET},
         ('(root): lacks what its members need beside them: {"a":["b"]}',)),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, SECRET,
         ("(root): is not of type 'integer' or 'null'",)),
        ({"anyOf": [{"minLength": 9}, {"pattern": "x"}]}, SECRET, ("(root): fits none of the 2 alternatives",)),
        ({"oneOf": [{}, {}]}, SECRET, ("(root): fits more than one alternative, and must fit exactly one",)),
        (PETS, {"kind": "cat", "lives": SECRET}, ("lives: is not of type 'integer'",)),
        (PETS, {"kind": SECRET}, ("(root): fits none of the 2 alternatives",)),
        ({"type": "number"}, float("nan"), ("(root): is not of type 'number'",)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place_and_without_the_value(
    schema: Mapping[str, Any], value: Any, told: tuple[str, ...]
) -> None:
    assert problems(schema, value) == told
    assert not any(secret in line for line in told for secret in (SECRET, "777"))


def test_ten_problems_are_told_and_that_there_are_more() -> None:
    told = problems({"items": {"type": "null"}}, [SECRET] * 100)
    assert (len(told), told[0], told[-1]) == (11, "[0]: is not of type 'null'", "and more")


def test_long_names_are_cut() -> None:
    (told,) = problems({"additionalProperties": {"type": "null"}}, {"x" * 1000: 1})
    assert len(told) < 100


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "strin"}, "`type` must be one of array, boolean"),
        ({"type": ["string", 5]}, "`type` must be"),
        ({"type": {}}, "`type` must be"),
        ({"properties": {"a": {"type": "x"}}}, "`properties.a.type` must be"),
        ({"properties": []}, "`properties` must be an object of schemas"),
        ({"properties": {"a": 5}}, "`properties.a` must be a schema"),
        ({"anyOf": [{}, {"items": {"minimum": "5"}}]}, "`anyOf[1].items.minimum` must be a number"),
        ({"anyOf": {}}, "`anyOf` must be a list of schemas"),
        ({"items": [{}]}, "stand under `prefixItems`"),
        ({"required": "a"}, "`required` must be a list of strings"),
        ({"enum": 5}, "`enum` must be a list"),
        ({"multipleOf": 0}, "`multipleOf` must be a number greater than 0"),
        ({"maxItems": -1}, "`maxItems` must be a whole number"),
        ({"$ref": 5}, "`$ref` must be a string"),
        ({"$schema": {}}, "`$schema` must be a string"),
        ({"title": "City", "type": "x"}, "the schema `City` is not valid"),
        ({"$ref": "#/$defs/Gone"}, "'#/$defs/Gone' leads nowhere"),
        ({"items": {"$ref": "#nowhere"}}, "'#nowhere' leads nowhere"),
    ],
)
def test_a_schema_that_is_wrong_is_refused_with_the_place(schema: Mapping[str, Any], said: str) -> None:
    assert said in fault(schema)


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/a.json", "file:///etc/passwd", "other.json"])
def test_what_a_reference_names_is_never_fetched(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> NoReturn:
        raise AssertionError("it opens a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert "nothing is fetched" in fault({"properties": {"a": {"$ref": reference}}})


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}]}, [None], [1]),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": ["b"]}}, {"b": 1}, {"a": 1}),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{"type": "null"}]}, [None], [1]),
        ({"$id": "https://x.example/a", "$defs": {"n": {"$id": "n", "type": "null"}}, "$ref": "n"}, None, 1),
        ({"$defs": {"n": {"$anchor": "here", "type": "null"}}, "$ref": "#here"}, None, 1),
        ({"definitions": {"n": {"type": "null"}}, "$ref": "#/definitions/n"}, None, 1),
        ({"properties": {"$ref": {"type": "null"}}}, {"$ref": None}, {"$ref": 1}),
    ],
)
def test_schemas_of_all_drafts_are_understood(schema: Mapping[str, Any], good: Any, bad: Any) -> None:
    assert compile_fit(schema)(good) == good
    assert problems(schema, bad)


def test_references_by_a_base_of_their_own_are_checked_where_they_cannot_be_coerced() -> None:
    inner = {"$id": "b/", "anyOf": [{"$ref": "n"}], "$defs": {"n": {"$id": "n", "type": "integer"}}}
    schema = {"$id": "https://x.example/a/", "properties": {"p": inner}}
    assert compile_fit(schema)({"p": 1}) == {"p": 1}
    assert problems(schema, {"p": "1"}) == ("p: is not of type 'integer'",)


def test_a_pattern_in_another_dialect_and_an_unknown_format_are_not_checked() -> None:
    assert compile_fit({"pattern": r"(?=y)", "format": "colour"})("x") == "x"
    assert compile_fit({"multipleOf": 0.1})(10**400) == 10**400


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"pattern": "(a+)+$"}, "caa", "b"),
        ({"patternProperties": {"(a+)+$": False}}, {"b": 1}, {"a": 1}),
        ({"patternProperties": {"(a+)+$": {}}, "additionalProperties": False}, {"a": 1}, {"b": 1}),
    ],
)
def test_no_pattern_takes_longer_than_its_text_is_long(schema: Mapping[str, Any], good: Any, bad: Any) -> None:
    assert compile_fit(schema)(good) == good
    assert problems(schema, bad)
    trap = f"{'a' * 1000}!"
    for value in (trap, {trap: 1}):
        with contextlib.suppress(DoesNotFit):
            compile_fit({**schema, "unevaluatedProperties": False})(value)


def nested(levels: int, wrap: str) -> Any:
    value: Any = {} if wrap else []
    for _ in range(levels):
        value = {wrap: value} if wrap else [value]
    return value


CHILD = {"type": "object", "properties": {"child": {"$ref": "#"}}}
DOUBLES = {"anyOf": [{**CHILD, "required": ["x"]}, {**CHILD, "required": ["y"]}]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, 1),
        ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, 1),
        ({"items": {"$ref": "#"}}, nested(5000, "")),
        (DOUBLES, nested(60, "child")),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", **DOUBLES}, nested(60, "child")),
        ({"oneOf": DOUBLES["anyOf"]}, nested(60, "child")),
    ],
)
def test_what_would_take_for_ever_is_given_up(schema: Mapping[str, Any], value: Any) -> None:
    assert problems(schema, value) == ("(root): is too large or nested too deep to be checked",)


def test_large_and_deep_schemas_are_taken() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(5000):
        deep = {"items": deep}
    assert compile_fit(deep)([]) == []
    wide = {"properties": {f"p{number}": {"type": "integer"} for number in range(5000)}}
    assert compile_fit(wide)({f"p{number}": str(number) for number in range(5000)})["p4999"] == 4999


def test_each_of_many_items_is_told_from_all_others() -> None:
    values = [{"a": number} for number in range(20_000)]
    assert compile_fit({"uniqueItems": True})(values) == values
    assert problems({"uniqueItems": True}, [*values, {"a": 7}]) == ("(root): has the same item twice",)
    assert compile_fit({"uniqueItems": False})([1, 1]) == [1, 1]


def test_large_values_are_checked_to_the_end() -> None:
    values: list[Any] = [{"price": "1"}] * 2000
    assert compile_fit(PRICES)({"items": values})["items"][-1] == {"price": 1}
    assert problems(PRICES, {"items": [*values, {}]}) == ("items[2000]: 'price' is missing",)


def test_a_recursive_schema_holds_at_every_depth() -> None:
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": {"properties": {"n": {"type": "integer"}}}}}
    schema["$defs"]["Node"]["properties"]["next"] = {"$ref": "#/$defs/Node"}  # type: ignore[index]  # a plain dict
    assert compile_fit(schema)({"next": {"next": {"n": "2"}}}) == {"next": {"next": {"n": 2}}}
    assert problems(schema, {"next": {"next": {"n": "x"}}}) == ("next.next.n: is not of type 'integer'",)


def test_nothing_is_kept_of_a_schema() -> None:
    class Schema(dict[str, Any]):
        pass

    schema = Schema(type="integer")
    compile_fit(schema)(1)
    gone = weakref.ref(schema)
    del schema
    gc.collect()
    assert gone() is None


def test_the_library_is_not_imported_before_it_is_needed() -> None:
    look = "import agentrouted.core.schema.check, sys; assert 'jsonschema' not in sys.modules"
    subprocess.run([sys.executable, "-c", look], check=True)
