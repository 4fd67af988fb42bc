"""Variables in values."""

from typing import Any

import pytest

from agentrouted.core.config.expand import Expansion
from agentrouted.core.config.yaml_source import parse

ENVIRON = {"NAME": "ada", "EMPTY": "", "LIKE_YAML": "[1, 2]", "NESTED": "${NAME}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${NAME}", "ada"),
        ("http://${NAME}.example/${NAME}", "http://ada.example/ada"),
        ("${NONE:-x y}", "x y"),
        ("${NONE:-}", ""),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY}", ""),
        ("$${NAME}", "${NAME}"),
        ("$NAME $$ $", "$NAME $$ $"),
        ("${LIKE_YAML}", "[1, 2]"),
        ("${NESTED}", "${NAME}"),
    ],
)
def test_a_variable_is_put_in_once_and_as_text(text: str, expected: Any) -> None:
    expansion = Expansion(parse(f"a: ['{text}']"), ENVIRON)
    assert (expansion.data, expansion.problems) == ({"a": [expected]}, [])


def test_keys_are_left_as_they_are() -> None:
    assert Expansion(parse("'${NAME}': x"), ENVIRON).data == {"${NAME}": "x"}


@pytest.mark.parametrize("text", ["${", "${1X}", "${NAME", "${NAME-x}", "${}"])
def test_what_is_no_variable_is_an_error(text: str) -> None:
    (problem,) = Expansion(parse(f"a: '{text}'"), ENVIRON).problems
    assert (problem.path, problem.severity) == ("a", "error")


def test_a_variable_that_is_not_set_is_named_where_it_is_used() -> None:
    expansion = Expansion(parse("a:\n  b: x${NONE}"), ENVIRON)
    (problem,) = expansion.problems
    assert "NONE" in problem.message
    assert problem.range
    assert (problem.path, problem.severity, problem.range.start.line, problem.range.start.character) == (
        "a.b", "error", 1, 5,
    )  # fmt: skip


def test_a_key_that_is_not_set_is_a_warning() -> None:
    expansion = Expansion(parse("api_key: ${NONE}"), ENVIRON)
    assert [problem.severity for problem in expansion.problems] == ["warning"]
    assert expansion.data == {"api_key": None}


def test_values_of_the_environment_are_known_as_such() -> None:
    expansion = Expansion(parse("a: ${NAME}\nb: ${NONE:-x}\nc: y"), ENVIRON)
    assert expansion.variables == {("a",): "NAME"}
