"""What becomes of a model's call of a Python function."""

import asyncio
import contextvars
import threading
from dataclasses import dataclass
from datetime import date
from enum import Enum, IntEnum, StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, Field

from agentrouted import Context, Tool, tool
from agentrouted.core.schema.fit import DoesNotFit
from agentrouted.face.telling import tell

PLACE = contextvars.ContextVar("PLACE", default="nowhere")


class City(BaseModel):
    name: str


class Size(IntEnum):
    BIG = 2


class Colour(StrEnum):
    RED = "red"


class Unit(Enum):
    C = "celsius"


@dataclass
class Point:
    x: int
    city: City


async def invoke(made: Tool, **arguments: Any) -> Any:
    return await made.invoke(arguments, ctx=Context(deps="deps"))


async def test_arguments_arrive_as_their_types() -> None:
    @tool
    def function(count: int, city: City, when: date, unit: Unit, points: list[Point]) -> Any:
        return count, city, when, unit, points

    arguments = {"count": "2", "city": {"name": "Bern"}, "when": "2026-01-02", "unit": "celsius"}
    points = [{"x": "1", "city": {"name": "Chur"}}]
    assert await invoke(function, **arguments, points=points) == (
        2,
        City(name="Bern"),
        date(2026, 1, 2),
        Unit.C,
        [Point(1, City(name="Chur"))],
    )


async def test_a_number_is_taken_for_text_where_text_is_wanted() -> None:
    @tool
    def function(zip_code: str) -> str:
        return zip_code

    assert await invoke(function, zip_code=8001) == "8001"


async def test_what_is_left_out_is_the_functions_own_default() -> None:
    mark = object()

    @tool
    def function(a: Any = mark, b: int = Field(3, gt=1)) -> Any:
        return a is mark, b

    assert await invoke(function) == (True, 3)


async def test_the_context_is_filled_in_wherever_it_stands() -> None:
    @tool
    async def function(a: int, context: Context, /, b: int = 5, *, again: Context) -> Any:
        return a, b, context.deps, again is context

    assert await invoke(function, a=1, b=2) == (1, 2, "deps", True)


async def test_more_arguments_go_to_a_function_that_takes_more() -> None:
    @tool
    def function(a: int, **more: Any) -> Any:
        return a, more

    assert await invoke(function, a=1, other="x") == (1, {"other": "x"})


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "city: Field required"),
        ({"city": {"name": []}}, "city.name: Input should be a valid string"),
        ({"city": {"name": "Bern"}, "town": "Chur"}, "town: there is no such argument"),
    ],
)
def test_arguments_that_do_not_fit_are_told_by_place_and_without_the_value(
    arguments: dict[str, Any], problem: str
) -> None:
    @tool
    def function(city: City) -> None: ...

    with pytest.raises(DoesNotFit) as caught:
        function.check(arguments)
    assert caught.value.problems == (problem,)


def test_a_tool_made_by_hand_is_checked_by_its_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    made = Tool("double", "Doubles.", schema, lambda n: n * 2)
    assert made.check({"n": "4"}) == {"n": 4}
    with pytest.raises(DoesNotFit):
        made.check({})


async def test_a_tool_made_by_hand_gets_the_context_first() -> None:
    made = Tool("who", "", {"type": "object"}, lambda context, **named: (context.deps, named), takes_context=True)
    assert await invoke(made, a=1) == ("deps", {"a": 1})


async def test_a_function_that_blocks_does_not_block_the_event_loop() -> None:
    gate = threading.Event()

    @tool
    def wait() -> str:
        gate.wait()
        return threading.current_thread().name

    waiting = asyncio.create_task(invoke(wait))
    asyncio.get_running_loop().call_later(0, gate.set)
    assert await waiting != threading.current_thread().name


async def test_two_hundred_functions_may_block_at_once() -> None:
    barrier = threading.Barrier(200)

    @tool
    def wait() -> int:
        return barrier.wait(timeout=20)

    assert sorted(await asyncio.gather(*(invoke(wait) for _ in range(200)))) == list(range(200))


async def test_an_async_function_runs_on_the_callers_loop() -> None:
    @tool
    async def where() -> Any:
        return asyncio.get_running_loop()

    assert await invoke(where) is asyncio.get_running_loop()


async def test_a_function_that_returns_something_to_await_is_awaited() -> None:
    async def slow() -> str:
        return "done"

    @tool
    def start() -> Any:
        return slow()

    assert await invoke(start) == "done"


@pytest.mark.parametrize("is_async", [True, False])
async def test_context_variables_of_the_caller_are_seen(is_async: bool) -> None:
    PLACE.set("here")

    async def ask() -> str:
        return PLACE.get()

    def ask_blocking() -> str:
        return PLACE.get()

    assert await invoke(tool(ask if is_async else ask_blocking)) == "here"


@pytest.mark.parametrize("error", [StopIteration("x"), SystemExit(3), KeyboardInterrupt()])
async def test_an_exception_that_means_something_to_the_event_loop_becomes_a_plain_one(error: BaseException) -> None:
    @tool
    def leave() -> None:
        raise error

    with pytest.raises(RuntimeError, match=type(error).__name__):
        await invoke(leave)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        ("as it is", "as it is"),
        (3, "3"),
        (True, "true"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
        ((1, 2), "[1, 2]"),
        ({1}, "[1]"),
        (City(name="Bern"), '{"name": "Bern"}'),
        ([Point(1, City(name="Bern"))], '[{"x": 1, "city": {"name": "Bern"}}]'),
        (Unit.C, "celsius"),
        ({"unit": Unit.C, "colour": Colour.RED, "size": Size.BIG}, '{"unit": "celsius", "colour": "red", "size": 2}'),
        (Colour.RED, "red"),
        (Size.BIG, "2"),
        ({"when": date(2026, 1, 2)}, '{"when": "2026-01-02"}'),
        ({(1, 2): 3}, "{(1, 2): 3}"),
    ],
)
def test_a_result_is_told_as_text_or_json(value: Any, told: str) -> None:
    assert tell(value) == told


def test_a_result_that_holds_itself_is_told_somehow() -> None:
    value: list[Any] = []
    value.append(value)
    assert tell(value) == "[[...]]"
