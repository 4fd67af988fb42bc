"""YAML as data with positions."""

from typing import Any

import pytest

from agentrouted.core.config.yaml_source import MAX_DEPTH, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("# nothing\n", None),
        ("a: {b: [no, on, off, yes, y]}", {"a": {"b": ["no", "on", "off", "yes", "y"]}}),
        ("[1:30, 2024-01-01, 1_000, 012]", ["1:30", "2024-01-01", "1_000", 12]),
        ("[0x1F, 0o17, -3, 1e3, .5, ~, null, True, FALSE]", [31, 15, -3, 1000.0, 0.5, None, None, True, False]),
        ("['1', \"true\", !!str 3]", ["1", "true", "3"]),
        ("1: x\ntrue: y\n", {"1": "x", "true": "y"}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ('{\n\t"a": [1, "x"]\n}', {"a": [1, "x"]}),
        ("a: &x {b: 1}\nc: *x\n", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        (f"a: {'9' * 5000}", {"a": "9" * 5000}),
    ],
)
def test_values_follow_the_core_schema_of_yaml_1_2(text: str, expected: Any) -> None:
    document = parse(text)
    assert (document.data, document.problems) == (expected, ())


@pytest.mark.parametrize(
    ("text", "path", "line", "character"),
    [
        ("a: 1\nb: 2\na: 3", "a", 2, 0),
        ("x:\n  é😀: 1\n  é😀: 2", "x.é😀", 2, 2),
        ("é😀: [1", "", 0, 5),
        ("a:\n\tb: 1", "", 1, 0),
        ("é😀: \x07", "", 0, 5),
        ("a: \x00", "", 0, 3),
        ("a: b: c", "", 0, 4),
        ("'a", "", 0, 0),
        ("a: *x", "a", 0, 3),
        ("a: &x [*x]", "a.0", 0, 7),
        ("a: !foo b", "a", 0, 3),
        ("a: !!python/object:os.system {}", "a", 0, 3),
        ("? [a]\n: b", "", 0, 2),
        ("a: 1\n---\nb: 2", "", 1, 0),
        ("a: 'x \u2028 is no new line for editors'\nb: c: d", "", 1, 4),
        ("a: \ud800\nb: c: d", "", 1, 4),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(text: str, path: str, line: int, character: int) -> None:
    problem, *others = parse(text).problems
    assert problem.range
    assert (problem.path, problem.range.start.line, problem.range.start.character) == (path, line, character)
    assert others == []


def test_columns_count_as_editors_do() -> None:
    place = parse("é😀: é😀x").places[("é😀",)]
    assert place.key and (place.key.start.character, place.key.end.character) == (0, 3)
    assert (place.value.start.character, place.value.end.character) == (5, 9)


def test_a_wrong_mapping_is_pointed_at_by_its_key() -> None:
    place = parse("a:\n  b: 1\n  c: 2\nd: 3").places[("a",)]
    assert place.value == place.key


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 2000 + "a", "{a: " * 5000])
def test_depth_is_bounded(text: str) -> None:
    (problem,) = parse(text).problems
    assert str(MAX_DEPTH) in problem.message


def test_aliases_of_aliases_are_bounded() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    (problem,) = parse("\n".join(lines)).problems
    assert problem.range
    assert problem.range.start.line == 5
