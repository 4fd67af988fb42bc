"""Python functions as tools that a model can call."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ArgsKwargs, CoreSchema, to_json

from agentrouted_protocol.client_requests import ToolCallResult
from agentrouted_protocol.runs import Tool

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ClientTool:
    """A function, and how it is described to the model."""

    function: Function
    description: Tool
    adapter: TypeAdapter[Any]


class ToolOptions(TypedDict, total=False):
    """The fields of the contract's `Tool` that a function cannot say itself."""

    effect: Literal["read", "idempotent", "once"]
    needs_approval: bool
    timeout: float
    """Seconds."""


def client_tool(function: Function, **options: Unpack[ToolOptions]) -> ClientTool:
    """The name, docstring and type hints are what the model reads; `Annotated[str, Field(description=…)]` says more."""
    called: Any = function
    adapter: TypeAdapter[Any] = TypeAdapter(called)
    description = Tool(
        name=function.__name__,
        description=inspect.getdoc(function) or "",
        input_schema=adapter.json_schema(schema_generator=_WithoutTitles),
        **options,
    )
    return ClientTool(function, description, adapter)


async def call_tool(tool: ClientTool, arguments: dict[str, Any]) -> ToolCallResult:
    """What the function gives for these arguments; its exceptions become errors for the model to read."""
    try:
        return _as_result(await _call(tool, arguments))
    except Exception as error:  # noqa: BLE001 - a tool may raise anything, and the model is told
        return ToolCallResult(content=f"Error: {type(error).__name__}: {error}", is_error=True)


async def _call(tool: ClientTool, arguments: dict[str, Any]) -> Any:
    passed = ArgsKwargs((), arguments)
    if inspect.iscoroutinefunction(tool.function):
        return await tool.adapter.validate_python(passed)
    # A plain function may block: events must go on arriving meanwhile.
    return await asyncio.to_thread(tool.adapter.validate_python, passed)


def _as_result(value: Any) -> ToolCallResult:
    if isinstance(value, ToolCallResult):
        return value
    if isinstance(value, str):
        return ToolCallResult(content=value)
    return ToolCallResult(content="" if value is None else to_json(value).decode())


class _WithoutTitles(GenerateJsonSchema):
    """Titles repeat the names, and every model call pays for them."""

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        return False
