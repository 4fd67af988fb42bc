"""Answers of a wanted type."""

from dataclasses import dataclass
from threading import Event
from typing import Any, Literal, TypedDict

import pytest
from pydantic import BaseModel, field_validator
from typing_extensions import TypedDict as ModernTypedDict

from agentrouted import Agent, Context, ErrorAgent, LLMRequest, Retry
from agentrouted.testing import ScriptedModel
from agentrouted.testing.upstream import Reply, Upstream


class City(BaseModel):
    name: str
    people: int = 0

    @field_validator("name")
    @classmethod
    def _is_long_enough(cls, name: str) -> str:
        if len(name) < 3:
            raise ValueError("too short for a city")
        return name


@dataclass
class Point:
    x: int
    y: int


class Old(TypedDict):
    name: str


class Modern(ModernTypedDict, total=False):
    name: str


def answer(value: Any) -> Any:
    """A reply that calls the tool which takes the answer, whatever it is called."""

    def reply(request: LLMRequest) -> Any:
        assert request.tools
        return [(request.tools[-1]["function"]["name"], value)]

    return reply


@pytest.mark.parametrize(
    ("output", "said", "expected"),
    [
        (City, {"name": "Bern", "people": "140000"}, City(name="Bern", people=140_000)),
        (Point, {"x": 1, "y": 2}, Point(1, 2)),
        (Old, {"name": "Bern"}, {"name": "Bern"}),
        (Modern, {}, {}),
        (list[City], {"result": [{"name": "Bern"}]}, [City(name="Bern")]),
        (list[Old], {"result": [{"name": "Bern"}]}, [{"name": "Bern"}]),
        (City | Point, {"result": {"x": 1, "y": 2}}, Point(1, 2)),
        (Literal["yes", "no"], {"result": "yes"}, "yes"),
        (int, {"result": 3}, 3),
        (dict[str, int], {"a": 1}, {"a": 1}),
    ],
)
async def test_an_answer_has_the_type_that_is_wanted(output: Any, said: Any, expected: Any) -> None:
    result = await Agent("a", model=ScriptedModel([answer(said)]), output=output).arun("Hi")
    assert result.output == expected
    assert type(result.output) is type(expected)


async def test_text_that_can_be_read_as_the_answer_counts() -> None:
    result = await Agent("a", model=ScriptedModel(['It is {"name": "Bern"}.']), output=City).arun("Hi")
    assert result.output == City(name="Bern")


async def test_a_server_is_asked_for_the_schema_of_the_type() -> None:
    async with Upstream([Reply.text('{"name": "Bern"}')]) as upstream:
        result = await Agent("a", model=f"{upstream.url}/m", output=City, output_mode="native").arun("Hi")
    assert result.output == City(name="Bern")
    schema = upstream.requests[0].body["response_format"]["json_schema"]["schema"]
    assert schema["properties"].keys() == {"name", "people"}


async def test_tools_stay_usable_until_the_answer_comes() -> None:
    agent = Agent("a", model=ScriptedModel([[("look", {})], answer({"name": "Bern"})]), output=City)

    @agent.tool
    def look() -> str:
        return "Bern"

    result = await agent.arun("Hi")
    assert result.output == City(name="Bern")
    assert [message["content"] for message in result.messages if message["role"] == "tool"] == ["Bern", "ok"]


async def test_what_does_not_fit_is_told_to_the_model_by_place() -> None:
    model = ScriptedModel([answer({"people": 3}), answer({"name": "X"}), answer({"name": "Bern"})])
    result = await Agent("a", model=model, output=City, retries=2).arun("Hi")
    told = [message["content"] for message in result.messages if message["role"] == "tool"]
    assert result.output == City(name="Bern")
    assert all(each.startswith("Retry: ") for each in told[:2])
    assert "'name'" in told[0] and "name: Value error, too short for a city" in told[1]


@pytest.mark.parametrize("said", [{"people": 3}, {"name": "X"}])
async def test_an_answer_that_never_fits_ends_the_run(said: Any) -> None:
    model = ScriptedModel([answer(said)])
    with pytest.raises(ErrorAgent, match="Structured output failed validation after 2 retries: ") as caught:
        await Agent("a", model=model, output=City, retries=2).arun("Hi")
    assert (caught.value.kind, len(model.requests)) == ("outputInvalid", 3)


async def test_validators_see_the_answer_in_turn_and_may_change_it() -> None:
    agent = Agent("a", model=ScriptedModel([answer({"name": "bern"})]), output=City)
    seen: list[Any] = []

    @agent.output_validator
    async def upper(context: Context, city: City) -> City:
        seen.append((context.deps, context.step, city.name))
        return City(name=city.name.upper())

    @agent.output_validator
    def look(context: Context, city: City) -> None:
        seen.append(city.name)

    assert (await agent.arun("Hi", deps="deps")).output == City(name="BERN")
    assert seen == [("deps", 1, "bern"), "BERN"]


async def test_a_validator_may_ask_again() -> None:
    agent = Agent("a", model=ScriptedModel([answer({"name": "Chur"}), answer({"name": "Bern"})]), output=City)
    retries: list[int] = []

    @agent.output_validator
    def only_bern(context: Context, city: City) -> City:
        retries.append(context.retry)
        if city.name != "Bern":
            raise Retry("it is a capital")
        return city

    result = await agent.arun("Hi")
    assert (result.output, retries) == (City(name="Bern"), [0, 1])
    assert "Retry: it is a capital" in [message.get("content") for message in result.messages]


@pytest.mark.parametrize("output", [City, None])
async def test_a_validator_that_is_never_content_ends_the_run(output: Any) -> None:
    agent = Agent("a", model=ScriptedModel(['{"name": "Chur"}']), output=output)

    @agent.output_validator
    def never(context: Context, city: Any) -> Any:
        raise Retry("it is a capital")

    with pytest.raises(ErrorAgent, match="Output validation failed after 1 retries: it is a capital"):
        await agent.arun("Hi")


async def test_what_a_validator_raises_besides_is_raised_as_it_is() -> None:
    agent = Agent("a", model=ScriptedModel(["Hello"]))
    agent.output_validator(lambda context, text: {}[text])
    with pytest.raises(KeyError, match="Hello"):
        await agent.arun("Hi")


async def test_text_mode_leaves_the_answer_as_it_is() -> None:
    model = ScriptedModel(["Bern"])
    result = await Agent("a", model=model, output=City, output_mode="text").arun("Hi")
    assert (result.output, model.requests[0].tools) == ("Bern", None)


def test_a_type_that_json_cannot_hold_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="`output` cannot be"):
        Agent("a", output=Event)
