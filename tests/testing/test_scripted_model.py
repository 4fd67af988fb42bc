"""A model for users' own tests."""

import pytest

from agentrouted import Agent, LLMRequest, LLMResponse, Message, Model
from agentrouted.testing import ScriptedModel


def request(text: str = "Hi") -> LLMRequest:
    return LLMRequest("scripted", [Message("user", text)])


async def test_it_says_what_it_is_told_and_the_last_line_again() -> None:
    model = ScriptedModel(["One.", "Two."])
    assert [(await model.complete(request())).content for _ in range(3)] == ["One.", "Two.", "Two."]


async def test_it_asks_for_tools_under_ids_of_their_own() -> None:
    model = ScriptedModel([[("add", {"a": 1}), ("add", {"a": 2})], [("look", {})]])
    calls = [call for _ in range(2) for call in (await model.complete(request())).tool_calls]
    assert [(call["id"], call["function"]["arguments"]) for call in calls] == [
        ("call_1", '{"a": 1}'),
        ("call_2", '{"a": 2}'),
        ("call_3", "{}"),
    ]


async def test_it_keeps_what_it_was_asked() -> None:
    model = ScriptedModel()
    await Agent("a", model=model, instructions="Be brief.").arun("Hi")
    assert [message.content for message in model.requests[0].messages] == ["Be brief.", "Hi"]


async def test_a_function_of_the_request_decides() -> None:
    model = ScriptedModel([lambda request: LLMResponse(f"<{request.messages[-1].content}>")])
    assert (await model.complete(request("Hi"))).content == "<Hi>"


async def test_it_fails_when_it_is_told_to() -> None:
    with pytest.raises(TimeoutError):
        await ScriptedModel([TimeoutError()]).complete(request())


async def test_it_can_be_read_as_it_comes() -> None:
    model = ScriptedModel(["Hello", [("add", {})]])
    first = [chunk async for chunk in model.complete_stream(request())]
    second = [chunk async for chunk in model.complete_stream(request())]
    assert [(chunk.delta, chunk.done) for chunk in first] == [("Hello", False), (None, True)]
    assert [bool(chunk.tool_call_delta) for chunk in second] == [False, True, False]
    await model.close()


def test_it_is_a_model() -> None:
    assert isinstance(ScriptedModel(), Model)
