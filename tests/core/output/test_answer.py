"""A reply, read for the structured answer in it."""

from typing import Any

import pytest

from agentrouted.core.errors import InvalidParams
from agentrouted.core.output.answer import Answer, Refused, read, retry_text
from agentrouted.core.output.wanted import Mode, Wanted
from agentrouted.core.wire.base import ModelReply, RequestedCall
from agentrouted.core.wire.chat_calls import CallBuilder
from agentrouted_protocol.messages import Usage

CITY = Wanted({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}, "City")
NUMBERS = Wanted({"type": "array", "items": {"type": "integer"}}, "Numbers")
COLOUR = Wanted({"enum": ["red", "blue"]}, "Colour")
WORD = Wanted({"type": "string"}, "Word")
MODES: tuple[Mode, ...] = ("native", "tool", "offered", "prompted")


def calls(*made: tuple[str, Any]) -> tuple[RequestedCall, ...]:
    builder = CallBuilder(())
    deltas = [
        {"index": place, "function": {"name": made_[0], "arguments": made_[1]}} for place, made_ in enumerate(made)
    ]
    builder.take(deltas)
    return builder.finish()


def reply(text: str = "", *made: tuple[str, Any]) -> ModelReply:
    return ModelReply(text, "", calls(*made), "stop", Usage())


def output(arguments: Any) -> tuple[str, Any]:
    return ("_return_structured_output", arguments)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "text",
    [
        '{"n": 1}',
        '\n {"n": 1}\n',
        '{"n": "1"}',
        '```json\n{"n": 1}\n```',
        '```\n{"n": 1}\n```',
        'Here you are:\n```json\n{"n": 1}\n```\nAnything else?',
        'Here you are: {"n": 1}',
        'Here you are: {"n": 1}. The {braces} are yours.',
        'Sets are written {1, 2} or {}. So: {"n": 1}',
        'See [1]: {"n": 1}',
        '{"m": 2}\n{"n": 1}',
        '```json\n{"m": 2}\n```\n```json\n{"n": 1}\n```',
        '{"n": 1, "note": "two\nlines"}',
        '"{\\"n\\": 1}"',
    ],
)
def test_text_that_parses_counts(mode: Mode, text: str) -> None:
    answer = read(CITY, mode, reply(text))
    assert isinstance(answer, Answer)
    assert (answer.value["n"], answer.call_id) == (1, None)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("arguments", ['{"n": 1}', '{"n": "1"}', {"n": 1}, '"{\\"n\\": 1}"', 'So: {"n": 1}'])
def test_a_call_of_the_output_tool_counts(mode: Mode, arguments: Any) -> None:
    assert read(CITY, mode, reply("", output(arguments))) == Answer({"n": 1}, "call00001")


def test_the_answer_may_come_beside_other_calls_and_words() -> None:
    made = reply('{"n": 9}', ("add", {}), output({"n": 1}))
    assert read(CITY, "tool", made) == Answer({"n": 1}, "call00002")


def test_of_several_answers_the_first_that_fits_counts() -> None:
    assert read(CITY, "tool", reply("", output({}), output({"n": 1}))) == Answer({"n": 1}, "call00002")
    refused = read(CITY, "tool", reply("", output({}), output({"n": "x"})))
    assert refused == Refused(("(root): 'n' is missing",), "call00001")


@pytest.mark.parametrize("text", ["", '{"n": 1}'])
def test_calls_of_other_tools_are_no_answer_yet(text: str) -> None:
    assert read(CITY, "tool", reply(text, ("add", {"a": 1}))) is None


@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        (NUMBERS, "[1, 2]", [1, 2]),
        (NUMBERS, '{"result": [1, 2]}', [1, 2]),
        (NUMBERS, 'Those: ["1", "2"].', [1, 2]),
        (NUMBERS, '{"result": "[1]"}', [1]),
        (COLOUR, '"red"', "red"),
        (COLOUR, "red\n", "red"),
        (COLOUR, '{"result": "red"}', "red"),
        (WORD, "hello you", "hello you"),
        (WORD, '{"result": "hello"}', "hello"),
        (Wanted({"type": "integer"}, "N"), "42", 42),
        (Wanted({"type": ["integer", "null"]}, "N"), "null", None),
        (Wanted({"type": "boolean"}, "B"), "```json\ntrue\n```", True),
        (Wanted({"anyOf": [CITY.schema, NUMBERS.schema]}, "U"), '{"result": {"n": 1}}', {"n": 1}),
        (Wanted({"anyOf": [CITY.schema, NUMBERS.schema]}, "U"), '{"n": 1}', {"n": 1}),
        (Wanted({"additionalProperties": {"type": "integer"}}, "Counts"), '{"result": 1}', 1),
    ],
)
def test_what_is_no_object_is_read_with_and_without_one_around_it(wanted: Wanted, text: str, value: Any) -> None:
    for mode in MODES:
        assert read(wanted, mode, reply(text)) == Answer(value)


def test_arguments_that_are_no_object_are_read_too() -> None:
    assert read(NUMBERS, "tool", reply("", output("[1, 2]"))) == Answer([1, 2], "call00001")
    assert read(NUMBERS, "tool", reply("", output({"result": [1]}))) == Answer([1], "call00001")


def test_an_object_may_have_a_member_named_result() -> None:
    wanted = Wanted({"type": "object", "properties": {"result": {"type": "integer"}}}, "R")
    assert read(wanted, "tool", reply("", output({"result": 1}))) == Answer({"result": 1}, "call00001")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("I cannot say.", ("the answer is not JSON",)),
        ("", ("the answer is not JSON",)),
        ('{"n": 1', ("the answer is not JSON",)),
        ('{"n": "x"}', ("n: is not of type 'integer'",)),
        ('First {"n": "x"}, then {}', ("n: is not of type 'integer'",)),
        ("[1]", ("(root): is not of type 'object'",)),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reasons(text: str, problems: tuple[str, ...]) -> None:
    assert read(CITY, "prompted", reply(text)) == Refused(problems)


def test_arguments_that_are_no_json_are_refused_by_name() -> None:
    refused = read(CITY, "tool", reply("", output("n is 1")))
    assert refused == Refused(("the arguments of _return_structured_output are not JSON",), "call00001")


def test_where_text_is_wanted_all_of_it_is_the_answer() -> None:
    assert read(CITY, "text", reply('{"n": "x"}')) == Answer('{"n": "x"}')


@pytest.mark.parametrize("text", ["[" * 100_000, "{" * 100_000, '{"a":' * 100_000, "[{" * 50_000 + "}]" * 50_000])
def test_brackets_without_end_are_no_answer(text: str) -> None:
    assert isinstance(read(CITY, "prompted", reply(text)), Refused)


def test_a_wrong_schema_is_told_before_anything_is_asked() -> None:
    with pytest.raises(InvalidParams):
        _ = Wanted({"type": "strin"}, "City").fit


def test_a_model_is_told_what_to_mend() -> None:
    told = retry_text(["n: is not of type 'integer'", "(root): 'm' is missing"])
    assert told.startswith("Retry: invalid structured output.")
    assert told.splitlines()[1:] == ["- n: is not of type 'integer'", "- (root): 'm' is missing"]
