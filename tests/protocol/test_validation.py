"""Wrong params are refused in words that help."""

import json
import re
import tracemalloc
from typing import Any

import pytest
from protocol.golden_files import FOLDER, Golden, golden_values
from pydantic_core import ErrorDetails

from agentrouted_protocol.methods import METHODS
from agentrouted_protocol.routing import ResolveModelParams
from agentrouted_protocol.validation import InvalidParamsError, must_be, parse


def snake_case(name: str) -> str:
    return re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", name)


def content(value: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": value}]}


PARAMS = [golden for golden in golden_values() if golden.member == "params"]
CAMEL_CASE = [(golden, key) for golden in PARAMS for key in golden.value if key != snake_case(key)]
TOOL = {"name": "t", "inputSchema": {}}


def refusal(method: str, params: object) -> InvalidParamsError:
    with pytest.raises(InvalidParamsError) as caught:
        parse(method, params)
    return caught.value


def test_params_that_fit_become_their_model() -> None:
    assert parse("resolveModel", {"model": "ollama/llama3"}) == ResolveModelParams(model="ollama/llama3")


def test_no_params_are_an_empty_object() -> None:
    assert parse("daemon/status", None) == parse("daemon/status", {})


@pytest.mark.parametrize("method", METHODS)
def test_params_that_are_no_object_are_refused_by_every_method(method: str) -> None:
    assert str(refusal(method, [])) == f"the params of {method} must be an object"


@pytest.mark.parametrize("golden", PARAMS, ids=str)
def test_an_unknown_field_is_refused_by_every_method(golden: Golden) -> None:
    (problem,) = refusal(golden.method, golden.value | {"zzzzzz": 1}).problems
    assert (problem.path, problem.message) == ("zzzzzz", f"`zzzzzz` is not a field of {golden.method}")


@pytest.mark.parametrize(("golden", "field"), CAMEL_CASE, ids=str)
def test_a_field_in_snake_case_is_refused_by_every_method(golden: Golden, field: str) -> None:
    name = snake_case(field)
    params = {name if key == field else key: value for key, value in golden.value.items()}
    assert f"`{name}` is not a field of {golden.method}: did you mean `{field}`?" in str(refusal(golden.method, params))


WORDS: list[tuple[str, Any, str]] = [
    ("resolveModel", {}, "`model` is missing: resolveModel needs it"),
    ("resolveModel", {"model": 1}, "`model` must be a string"),
    ("resolveModel", {"model": None}, "`model` must be a string"),
    ("runAgent", {"maxCosts": 1}, "`maxCosts` is not a field of runAgent: did you mean `maxCost`?"),
    ("runAgent", {"MAX_COST": 1}, "`MAX_COST` is not a field of runAgent: did you mean `maxCost`?"),
    ("runAgent", {"maxTurns": "3"}, "`maxTurns` must be a whole number"),
    ("runAgent", {"maxTurns": 3.0}, "`maxTurns` must be a whole number"),
    ("runAgent", {"maxTurns": True}, "`maxTurns` must be a whole number"),
    ("runAgent", {"maxTurns": 0}, "`maxTurns` must be at least 1"),
    ("runAgent", {"maxCost": "1"}, "`maxCost` must be a number"),
    ("runAgent", {"maxCost": float("nan")}, "`maxCost` must be at least 0"),
    ("runAgent", {"timeout": 0}, "`timeout` must be greater than 0"),
    ("runAgent", {"stream": "yes"}, "`stream` must be true or false"),
    ("runAgent", {"output": []}, "`output` must be an object"),
    ("runAgent", {"memory": 1}, "`memory` must be an object"),
    ("runAgent", {"tools": {}}, "`tools` must be a list"),
    ("runAgent", {"runId": ""}, "`runId` must be at least 1 character long"),
    ("runAgent", {"runId": "r" * 129}, "`runId` must be at most 128 characters long"),
    ("runAgent", {"onDisconnect": "x"}, "`onDisconnect` must be 'cancel' or 'continue'"),
    ("memory/list", {"tags": ["t"] * 101}, "`tags` must be a list of at most 100"),
    ("runAgent", {"sampling": {"topP": 2}}, "`sampling.topP` must be at most 1"),
    ("runAgent", {"sampling": {"top_p": 1}}, "`sampling.top_p` is not a field of runAgent: did you mean `topP`?"),
    ("runAgent", {"tools": [TOOL, {"name": "t"}]}, "`tools[1].inputSchema` is missing: runAgent needs it"),
    ("runAgent", {"tools": [TOOL | {"name": "a b"}]}, "`tools[0].name` must be of the form `^[A-Za-z0-9_.-]+$`"),
    ("runAgent", {"history": {}}, "`history.strategy` is missing: runAgent needs it"),
    (
        "runAgent",
        {"history": {"strategy": "all"}},
        "`history.strategy` must be one of 'slidingWindow', 'truncate', 'summarize'",
    ),
    ("runAgent", {"workDoneToken": 1.5}, "`workDoneToken` must be a string or a whole number"),
    ("runAgent", content(5), "`messages[0].content` must be a string or a list"),
    ("runAgent", content([{"type": "text"}]), "`messages[0].content[0].text` is missing: runAgent needs it"),
    ("runAgent", content([{}]), "`messages[0].content[0].type` is missing: runAgent needs it"),
    ("runAgent", content([{"type": "image", "txt": 1}]), "`messages[0].content[0].txt` is not a field of runAgent"),
    (
        "runAgent",
        content([{"type": "text", "text": "", "texts": 1}]),
        "`messages[0].content[0].texts` is not a field of runAgent: did you mean `text`?",
    ),
]


@pytest.mark.parametrize(("method", "params", "words"), WORDS)
def test_a_refusal_names_the_place_and_what_belongs_there(method: str, params: object, words: str) -> None:
    assert [problem.message for problem in refusal(method, params).problems] == [words]


def test_the_golden_refusal_is_what_is_answered() -> None:
    request, answer = json.loads((FOLDER / "error.invalidParams.json").read_text())
    assert str(refusal(request["method"], request["params"])) == answer["error"]["message"]


def test_of_a_long_list_of_wrong_things_the_first_five_are_named() -> None:
    problems = refusal("memory/addMessages", {"sessionId": "s", "messages": ["x"] * 1000}).problems
    assert [problem.path for problem in problems] == [f"messages[{number}]" for number in range(5)]


@pytest.mark.parametrize("params", [{"messages": ["x"] * 99_998}, {f"k{number}": 1 for number in range(99_998)}])
def test_of_very_many_faults_none_is_built(params: dict[str, Any]) -> None:
    method = "memory/addMessages"
    refusal(method, {})
    tracemalloc.start()
    try:
        message = str(refusal(method, params))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert re.fullmatch(rf"the params of {method} have \d+ faults: send fewer values to have them named", message)
    # One that is built has some hundred bytes.
    assert most < len(params.get("messages", params))


def test_a_fault_that_has_no_words_of_ours_is_told_as_one_against_the_schema() -> None:
    fault = ErrorDetails(type="url_parsing", loc=("x",), msg="", input=None)
    assert must_be(fault) == "does not fit its schema: see `agentrouted schema`"


def test_several_problems_are_all_named_up_to_five() -> None:
    error = refusal("runAgent", {"tools": 1, "model": 2, "agent": 3, "prompt": 4, "retries": -1, "maxTurns": 0})
    assert len(error.problems) == 5
    assert str(error) == "; ".join(problem.message for problem in error.problems)


SECRET = "sk-or-v1-0123456789abcdef"


@pytest.mark.parametrize(
    "params",
    [
        {"model": [SECRET]},
        {"history": {"strategy": SECRET}},
        {"outputMode": SECRET},
        {"runId": SECRET * 9},
        {SECRET * 3: 1},
        {f"{SECRET}\n": 1},
    ],
)
def test_a_refusal_never_repeats_a_value(params: object) -> None:
    assert SECRET not in str(refusal("runAgent", params))
