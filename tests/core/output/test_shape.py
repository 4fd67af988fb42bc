"""A request that asks for a structured answer."""

from typing import Any

import pytest
from harness.wire import prompt
from pydantic import BaseModel

from agentrouted.core.output.shape import shape
from agentrouted.core.output.wanted import Wanted
from agentrouted.core.wire.base import ANY_TOOL, ToolSpec
from agentrouted_protocol.messages import Message, TextPart

CITY = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
CLOSED = {**CITY, "additionalProperties": False}
NUMBERS = {"type": "array", "items": {"type": "integer"}}
ADD = ToolSpec("add", "Adds.", {"type": "object"})


class Node(BaseModel):
    name: str
    children: "list[Node]" = []


def test_a_server_is_told_the_schema() -> None:
    output = shape(prompt(), Wanted(CITY, "City"), "native").output
    assert output
    assert (output.name, output.schema, output.strict) == ("City", CITY, False)


@pytest.mark.parametrize(
    ("name", "sent"), [("list[City | None]", "list_City_None_"), ("", "answer"), ("x" * 99, "x" * 64), ("Ä", "_")]
)
def test_the_schema_has_a_name_that_servers_take(name: str, sent: str) -> None:
    output = shape(prompt(), Wanted(CITY, name), "native").output
    assert output and output.name == sent


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        (CITY, False),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "properties": {"name": {"type": "string", "default": "x"}}}, False),
        ({**CLOSED, "properties": {"name": {"type": "string", "minLength": 1}}}, False),
        ({**CLOSED, "properties": {"name": CITY}}, False),
        ({**CLOSED, "properties": {"name": {"anyOf": [CLOSED, {"type": "null"}]}}}, True),
        ({**CLOSED, "properties": {"name": {"$ref": "#/$defs/A"}}, "$defs": {"A": CLOSED}}, True),
        ({**CLOSED, "properties": {"name": {"$ref": "#/$defs/A"}}, "$defs": {"A": CITY}}, False),
        ({**CLOSED, "allOf": [CLOSED]}, False),
        (NUMBERS, True),
        ({"type": "array", "items": CITY}, False),
        ({"anyOf": [CLOSED, {"type": "null"}]}, True),
    ],
)
def test_a_schema_is_strict_if_it_keeps_the_rules_already(schema: dict[str, Any], strict: bool) -> None:
    output = shape(prompt(), Wanted(schema, "City"), "native").output
    assert output and output.strict is strict


def test_a_function_takes_the_answer_and_has_to_be_called() -> None:
    request = shape(prompt(), Wanted(CITY, "City"), "tool")
    (tool,) = request.tools
    assert (tool.name, tool.input_schema) == ("_return_structured_output", CITY)
    assert tool.description == "Return the final answer as a structured City object."
    assert request.must_call == tool.name


def test_other_tools_may_be_called_before_it() -> None:
    request = shape(prompt(tools=[ADD]), Wanted(CITY, "City"), "tool")
    assert [tool.name for tool in request.tools] == ["add", "_return_structured_output"]
    assert request.must_call == ANY_TOOL


def test_a_function_can_be_offered_only() -> None:
    request = shape(prompt(), Wanted(CITY, "City"), "offered")
    assert (len(request.tools), request.must_call, request.output) == (1, None, None)


@pytest.mark.parametrize("mode", ["native", "prompted"])
def test_the_schema_is_told_at_the_end_of_the_instructions(mode: Any) -> None:
    said = [Message(role="system", content="Be brief."), Message(role="user", content="Hi")]
    system, user = shape(prompt(messages=said), Wanted(CITY, "City"), mode).messages
    assert isinstance(system.content, str) and system.content.startswith("Be brief.\n\nGive your final answer as JSON")
    assert '{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}' in system.content
    assert (user, said[0].content) == (said[1], "Be brief.")


def test_without_instructions_they_are_the_schema() -> None:
    system, user = shape(prompt("Hi"), Wanted(CITY, "City"), "prompted").messages
    assert (system.role, user.content) == ("system", "Hi")


def test_instructions_in_parts_stay_so() -> None:
    said = Message(role="system", content=[TextPart(text="Be brief.")])
    (system,) = shape(prompt(messages=[said]), Wanted(CITY, "City"), "prompted").messages
    assert [part.type for part in system.content if not isinstance(part, str)] == ["text", "text"]


def test_text_is_asked_for_as_ever() -> None:
    request = prompt(tools=[ADD])
    assert shape(request, Wanted(CITY, "City"), "text") is request


@pytest.mark.parametrize("schema", [NUMBERS, {"type": "integer"}, {"anyOf": [CITY, NUMBERS]}, {"enum": ["a"]}, {}])
def test_what_is_no_object_is_put_into_one(schema: dict[str, Any]) -> None:
    wrapped = {
        "type": "object",
        "properties": {"result": schema},
        "required": ["result"],
        "additionalProperties": False,
    }
    wanted = Wanted(schema, "Answer")
    (tool,) = shape(prompt(), wanted, "tool").tools
    output = shape(prompt(), wanted, "native").output
    assert output and tool.input_schema == output.schema == wrapped
    assert '"result"' not in str(shape(prompt(), wanted, "prompted").messages[0].content)


def test_references_still_lead_to_what_they_mean() -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/City"}, "$defs": {"City": CITY}}
    (tool,) = shape(prompt(), Wanted(schema, "Cities"), "tool").tools
    assert tool.input_schema["$defs"] == {"City": CITY}
    assert tool.input_schema["properties"]["result"] == {"type": "array", "items": {"$ref": "#/$defs/City"}}


def test_an_object_that_holds_itself_is_an_object() -> None:
    schema = Node.model_json_schema()
    assert "$ref" in schema
    (tool,) = shape(prompt(), Wanted(schema, "Node"), "tool").tools
    assert (tool.input_schema["type"], list(tool.input_schema["properties"])) == ("object", ["name", "children"])
    assert tool.input_schema["$defs"] == schema["$defs"]


def test_members_alone_make_an_object() -> None:
    (tool,) = shape(prompt(), Wanted({"properties": {}}, "City"), "tool").tools
    assert tool.input_schema == {"type": "object", "properties": {}}
