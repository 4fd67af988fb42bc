"""As much of a structured answer as has been written."""

from collections.abc import Sequence
from typing import Any

import pytest

from agentrouted.core.output.partial import PartialOutput, partial
from agentrouted.core.output.wanted import Wanted
from agentrouted.core.wire.base import CallArguments, CallStart, Chunk, ReasoningChunk, TextChunk

CITY = Wanted({"type": "object", "properties": {"name": {"type": "string"}}}, "City")
NUMBERS = Wanted({"type": "array", "items": {"type": "integer"}}, "Numbers")


def seen(wanted: Wanted, batches: Sequence[Sequence[Chunk]]) -> list[Any]:
    output = PartialOutput(wanted)
    return [value for batch in batches if (value := output.take(batch)) is not None]


def written(*pieces: str) -> list[list[Chunk]]:
    return [[TextChunk(piece)] for piece in pieces]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("Here", None),
        ("{", {}),
        ('{"a', {}),
        ('{"a": "b', {"a": "b"}),
        ('{"a": [1, 2', {"a": [1, 2]}),
        ('Here: {"a": tr', {}),
        ('```json\n{"a": 1}', {"a": 1}),
        ("[1, 2]", [1, 2]),
        ("{a", None),
    ],
)
def test_the_object_is_seen_as_far_as_it_has_come(text: str, value: Any) -> None:
    assert partial(text) == value


def test_the_answer_grows_with_the_text() -> None:
    assert seen(CITY, written('{"na', 'me": "Pa', "ris", '"', "}")) == [{}, {"name": "Pa"}, {"name": "Paris"}]


def test_nothing_is_said_where_nothing_new_is_seen() -> None:
    assert seen(CITY, [*written('{"name": "a"'), [], [ReasoningChunk("hm")], *written(" ", " ", "}", "\n```")]) == [
        {"name": "a"}
    ]


def test_the_output_tools_arguments_are_seen() -> None:
    batches: list[list[Chunk]] = [
        [TextChunk('Let me see {"x": 1}')],
        [CallStart("c1", "add"), CallArguments("c1", '{"a": 1}')],
        [CallStart("c2", "_return_structured_output"), CallArguments("c2", '{"name"')],
        [CallArguments("c1", "}"), CallArguments("c2", ': "Paris"}')],
    ]
    assert seen(CITY, batches) == [{"x": 1}, {}, {"name": "Paris"}]


def test_what_is_no_object_is_seen_without_the_one_around_it() -> None:
    assert seen(NUMBERS, written('{"resu', 'lt": [1, ', "2, ", "3]}")) == [[1], [1, 2], [1, 2, 3]]
    assert seen(NUMBERS, written("[1, ", "2, ")) == [[1], [1, 2]]


def test_an_object_is_looked_for_past_lists() -> None:
    assert seen(CITY, written("See [1]: ", '{"name": "a"}')) == [{"name": "a"}]


def test_a_long_text_is_not_read_again_for_every_word() -> None:
    pieces = ['{"name": "', *(["word "] * 20_000), '"}']
    values = seen(CITY, written(*pieces))
    assert 64 < len(values) < 1500
    assert len(values[-1]["name"]) > 0.98 * 100_000
