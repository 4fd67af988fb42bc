"""Python functions as tools: what the model sees and gets."""

import asyncio
import threading
from typing import Annotated, Any

import pytest
from harness.scripted_daemon import scripted
from pydantic import BaseModel, Field

from agentrouted_client import Client
from agentrouted_client.tools import Function, call_tool, client_tool
from agentrouted_protocol.client_requests import ToolCallResult

CALLS = """
run = read()
run_id = run["params"]["runId"]

def call(name, **arguments):
    send(id=1, method="tool/call", params={"runId": run_id, "callId": "c", "name": name, "arguments": arguments})
    return read()["result"]

def end(output):
    answer(run, {"runId": run_id, "text": "", "stopReason": "end_turn", "usage": {}, "messages": [], "lastSeq": 0,
                 "configGeneration": 1, "output": output})
"""


def calling(script: str) -> list[str]:
    return scripted(CALLS + script)


class Place(BaseModel):
    city: str


def test_the_schema_comes_from_the_type_hints_and_the_description_from_the_docstring() -> None:
    def forecast(place: Place, days: Annotated[int, Field(description="From today.", le=7)] = 3) -> str:
        """What the weather will be."""
        return ""

    description = client_tool(forecast).description
    assert (description.name, description.description) == ("forecast", "What the weather will be.")
    properties = description.input_schema["properties"]
    assert properties["days"] == {"default": 3, "description": "From today.", "maximum": 7, "type": "integer"}
    assert description.input_schema["required"] == ["place"]


def give_text() -> str:
    return "sunny"


async def give_data() -> dict[str, int]:
    return {"degrees": 21}


def give_a_model() -> Place:
    return Place(city="Bern")


def give_nothing() -> None:
    return None


def give_a_result() -> ToolCallResult:
    return ToolCallResult(content="no", is_error=True)


@pytest.mark.parametrize(
    ("function", "content"),
    [
        (give_text, "sunny"),
        (give_data, '{"degrees":21}'),
        (give_a_model, '{"city":"Bern"}'),
        (give_nothing, ""),
        (give_a_result, "no"),
    ],
)
async def test_what_a_function_returns_becomes_the_content(function: Function, content: str) -> None:
    assert (await call_tool(client_tool(function), {})).content == content


async def test_arguments_arrive_as_the_types_of_the_hints() -> None:
    def describe(place: Place, days: int) -> str:
        return f"{type(place).__name__} {days + 1}"

    result = await call_tool(client_tool(describe), {"place": {"city": "Bern"}, "days": "2"})
    assert result == ToolCallResult(content="Place 3")


@pytest.mark.parametrize("arguments", [{}, {"place": {}}, {"place": {"city": "Bern"}, "extra": 1}])
async def test_arguments_that_do_not_fit_are_an_error_for_the_model(arguments: dict[str, Any]) -> None:
    def describe(place: Place) -> str:
        return place.city

    result = await call_tool(client_tool(describe), arguments)
    assert result.is_error


async def test_an_exception_in_a_tool_is_told_to_the_model() -> None:
    async def fetch() -> str:
        raise LookupError("no such city")

    result = await call_tool(client_tool(fetch), {})
    assert result == ToolCallResult(content="Error: LookupError: no such city", is_error=True)


async def test_a_plain_function_does_not_block_the_loop() -> None:
    came_through = threading.Event()

    def wait() -> bool:
        return came_through.wait(timeout=10)

    waiting = asyncio.create_task(call_tool(client_tool(wait), {}))
    asyncio.get_running_loop().call_soon(came_through.set)
    assert (await waiting).content == "true"


async def test_a_decorated_function_is_a_tool_of_every_run() -> None:
    async with Client.spawn(calling("end([run['params']['tools'][0], call('add', left=1, right=2)])")) as client:

        @client.tool(effect="read", timeout=5)
        def add(left: int, right: int) -> int:
            return left + right

        result = await client.run_agent("hello", model="m").result
    described, answered = result.output
    assert (described["name"], described["effect"], described["timeout"]) == ("add", "read", 5)
    assert answered == {"content": "3", "isError": False}
    assert add(1, 2) == 3


async def test_a_run_that_names_its_tools_has_no_others() -> None:
    script = "end([[tool['name'] for tool in run['params']['tools']], call('give_text'), call('other')])"
    async with Client.spawn(calling(script)) as client:

        @client.tool
        def other() -> str:
            return ""

        result = await client.run_agent("hello", model="m", tools=[give_text]).result
    names, known, unknown = result.output
    assert (names, known["content"], unknown["isError"]) == (["give_text"], "sunny", True)


async def test_options_of_the_decorator_hold_where_a_run_names_the_tool() -> None:
    async with Client.spawn(calling("end(run['params']['tools'][0])")) as client:
        client.tool(needs_approval=True)(give_text)
        result = await client.run_agent("hello", model="m", tools=[give_text]).result
    assert result.output["needsApproval"] is True


async def test_a_call_that_the_daemon_cancels_stops_the_tool() -> None:
    script = """
send(id=1, method="tool/call", params={"runId": run_id, "callId": "c", "name": "wait", "arguments": {}})
answer(read(), None)
send(method="$/cancelRequest", params={"id": 1})
end(read()["error"]["code"])
"""
    async with Client.spawn(calling(script)) as client:
        stopped = asyncio.Event()

        @client.tool
        async def wait() -> None:
            try:
                await client.request("started")
                await asyncio.Event().wait()
            finally:
                stopped.set()

        result = await client.run_agent("hello", model="m").result
    assert result.output == -32800
    assert stopped.is_set()
