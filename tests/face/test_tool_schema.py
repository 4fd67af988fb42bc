"""What a model is told of a Python function."""

import functools
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from threading import Event
from typing import Annotated, Any, Literal, TypedDict

import pytest
from pydantic import BaseModel, Field

from agentrouted import Context, Tool, tool


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    y: int = 0


class City(BaseModel):
    """A place."""

    name: str
    title: str = "city"


class Options(TypedDict, total=False):
    depth: int


def properties(made: Tool) -> dict[str, Any]:
    found: dict[str, Any] = made.params_schema["properties"]
    return found


def test_a_simple_function_has_a_simple_schema() -> None:
    @tool
    def weather(city: str) -> str:
        """Get the weather.

        Rain, sun and wind.

        Args:
            city: Where to look.

        Returns:
            What it is like.
        """
        return city

    assert (weather.name, weather.description) == ("weather", "Get the weather.\n\nRain, sun and wind.")
    assert weather.params_schema == {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Where to look."}},
        "required": ["city"],
    }


NUMPY = """Get the weather.

    Parameters
    ----------
    city : str
        Where to look.
    """
REST = """Get the weather.

    :param city: Where to look.
    :returns: what it is like
    """


@pytest.mark.parametrize("docstring", [NUMPY, REST])
def test_docstrings_of_other_styles_are_read_too(docstring: str) -> None:
    def weather(city: str) -> None: ...

    weather.__doc__ = docstring
    assert tool(weather).description == "Get the weather."
    assert properties(tool(weather))["city"]["description"] == "Where to look."


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (list[str], {"type": "array", "items": {"type": "string"}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (
            Annotated[int, Field(ge=1, description="How many.")],
            {"type": "integer", "minimum": 1, "description": "How many."},
        ),
        (datetime, {"type": "string", "format": "date-time"}),
        (Any, {}),
    ],
)
def test_each_type_has_its_schema(hint: Any, schema: dict[str, Any]) -> None:
    def function(value): ...  # type: ignore[no-untyped-def]  # it gets its type in the next line

    function.__annotations__["value"] = hint
    assert tool(function).params_schema == {"type": "object", "properties": {"value": schema}, "required": ["value"]}


def test_a_parameter_without_a_type_is_text() -> None:
    @tool
    def function(value, other=3): ...  # type: ignore[no-untyped-def]  # that is the point

    assert properties(function) == {"value": {"type": "string"}, "other": {"type": "string", "default": 3}}


def test_models_dataclasses_and_enums_are_described_once_and_referred_to() -> None:
    @tool
    def function(city: City, cities: list[City], point: Point, colour: Colour, options: Options) -> None:
        """Do it.

        Args:
            city: The first one.
        """

    told = function.params_schema
    assert told["properties"]["city"] == {"$ref": "#/$defs/City", "description": "The first one."}
    assert told["properties"]["cities"] == {"type": "array", "items": {"$ref": "#/$defs/City"}}
    assert told["$defs"]["City"]["properties"] == {
        "name": {"type": "string"},
        "title": {"type": "string", "default": "city"},
    }
    assert told["$defs"]["Point"]["required"] == ["x"]
    assert told["$defs"]["Colour"]["enum"] == ["red", "blue"]
    assert "required" not in told["$defs"]["Options"]


def test_defaults_are_told_and_not_required() -> None:
    @tool
    def function(a: int, b: int = 2, c: Colour = Colour.RED, d: int = Field(3, lt=9), e: object = object()) -> None: ...

    assert function.params_schema["required"] == ["a"]
    assert [properties(function)[name].get("default") for name in "bcde"] == [2, "red", 3, None]
    assert properties(function)["d"]["exclusiveMaximum"] == 9


def test_a_context_is_no_argument_wherever_it_stands() -> None:
    @tool
    def function(a: int, inside: Context, /, *args: int, b: int = 1, other: "Context | None" = None, **more: int): ...  # type: ignore[no-untyped-def]

    assert list(properties(function)) == ["a", "b"]
    assert function.takes_context


def test_names_that_mean_something_to_pydantic_are_names_like_others() -> None:
    @tool
    def function(schema: str, json: str, model_dump: int, _private: int, self_: int, copy: bool) -> None: ...

    assert function.params_schema["required"] == ["schema", "json", "model_dump", "_private", "self_", "copy"]


def test_types_in_quotes_are_found_where_the_function_is_written() -> None:
    class Local(BaseModel):
        name: str

    @tool
    def function(local: "Local", city: "City") -> "Unknown":  # type: ignore[name-defined]  # noqa: F821  # not asked for
        ...

    assert set(function.params_schema["$defs"]) == {"Local", "City"}


def test_a_type_that_is_nowhere_is_told_when_the_tool_is_made() -> None:
    with pytest.raises(TypeError, match="Nowhere"):

        @tool
        def function(value: "Nowhere") -> None:  # type: ignore[name-defined]  # noqa: F821
            ...


def test_a_type_that_json_cannot_hold_is_told_when_the_tool_is_made() -> None:
    with pytest.raises(TypeError, match="function cannot be a tool"):

        @tool
        def function(value: Event) -> None: ...


def test_methods_objects_and_partial_functions_can_be_tools() -> None:
    class Shop:
        def price(self, item: str) -> float:
            """What it costs."""
            return len(item)

        async def __call__(self, item: str) -> str:
            return item

    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    assert list(properties(tool(Shop().price))) == ["item"]
    assert (tool(Shop()).name, list(properties(tool(Shop())))) == ("Shop", ["item"])
    half = tool(functools.partial(add, b=2))
    assert (half.name, half.description, list(properties(half))) == ("add", "Add.", ["a"])


def test_a_name_and_a_description_of_ones_own_win() -> None:
    made = tool(name="w", description="", timeout=3, needs_approval=True, effect="once")(
        test_a_parameter_without_a_type_is_text
    )
    assert (made.name, made.description, made.timeout, made.needs_approval, made.effect) == ("w", "", 3, True, "once")


def test_a_tool_is_still_a_function() -> None:
    @tool
    def double(number: int) -> int:
        return number * 2

    assert double(4) == 8
