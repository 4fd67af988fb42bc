"""Tool calls, however a server numbers and names them."""

from typing import Any

import pytest
from harness.wire import answer, endpoint, prompt

from agentrouted.core.wire.base import ModelReply, RequestedCall
from agentrouted.core.wire.chat_calls import CallBuilder
from agentrouted.core.wire.chat_completions import ChatCompletions
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.messages import Message, ToolCall


def call(name: str | None, arguments: Any = None, call_id: str | None = None, index: Any = None) -> dict[str, Any]:
    delta: dict[str, Any] = {"function": {"name": name, "arguments": arguments}}
    return delta | ({"id": call_id} if call_id is not None else {}) | ({"index": index} if index is not None else {})


# Each is a list of deltas; a delta is a list of calls. All mean the same: add 1 and 2, then add 3 and 4.
ONE, TWO = '{"a":1,"b":2}', '{"a":3,"b":4}'
TWO_CALLS_IN_MANY_WAYS: dict[str, list[list[dict[str, Any]]]] = {
    "OpenAI": [
        [call("add", "", "x", 0)],
        [call(None, ONE[:5], None, 0)],
        [call(None, ONE[5:], None, 0)],
        [call("add", "", "y", 1)],
        [call(None, TWO, None, 1)],
    ],
    "two in turns": [
        [call("add", "", "x", 0), call("add", "", "y", 1)],
        [call(None, ONE[:5], None, 0), call(None, TWO[:3], None, 1)],
        [call(None, ONE[5:], None, 0), call(None, TWO[3:], None, 1)],
    ],
    "all at index 0, as Ollama": [[call("add", ONE, "x", 0)], [call("add", TWO, "y", 0)]],
    "all at index 0, without id": [[call("add", ONE, None, 0)], [call("add", TWO, "", 0)]],
    "all at index 0, one id": [[call("add", ONE, "x", 0)], [call("add", TWO, "x", 0)]],
    "one id at two indices": [[call("add", ONE, "x", 0)], [call("add", TWO, "x", 1)]],
    "no index": [[call("add", ONE, "x")], [call("add", TWO, "y")]],
    "no index, in parts": [
        [call("add", ONE[:5], "x")],
        [call(None, ONE[5:])],
        [call("add", TWO[:5], "y")],
        [call(None, TWO[5:], "y")],
    ],
    "no index, no id": [[call("add", ONE)], [call("add", TWO)]],
    "no index, no id, in one delta": [[call("add", ONE), call("add", TWO)]],
    "name and id repeated": [
        [call("add", ONE[:5], "x", 0)],
        [call("add", ONE[5:], "x", 0)],
        [call("add", TWO[:5], "y", 1)],
        [call("add", TWO[5:], "y", 1)],
    ],
    "name repeated letter by letter": [
        *([call("add", letter, None, 0)] for letter in ONE),
        *([call("add", letter, None, 0)] for letter in TWO),
    ],
    "arguments before the name": [
        [call(None, ONE[:5], "x", 0)],
        [call("add", ONE[5:], None, 0)],
        [call("add", TWO, "y", 1)],
    ],
    "arguments as objects": [[call("add", {"a": 1, "b": 2}, "x", 0)], [call("add", {"a": 3, "b": 4}, "y", 1)]],
    "index as text": [[call("add", ONE, "x", "0")], [call("add", TWO, "y", "1")]],
    "index that is none": [[call("add", ONE, "x", [])], [call("add", TWO, "y", {})]],
}


@pytest.mark.parametrize("deltas", TWO_CALLS_IN_MANY_WAYS.values(), ids=TWO_CALLS_IN_MANY_WAYS)
async def test_two_calls_are_two_calls_in_any_way(http: HttpClient, deltas: list[list[dict[str, Any]]]) -> None:
    script = Reply.chat(*({"tool_calls": delta} for delta in deltas), finish="tool_calls")
    async with Upstream([script]) as upstream:
        calls = (await answer(http, upstream.url)).calls
    assert [(each.name, each.arguments) for each in calls] == [("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})]
    assert len({each.id for each in calls}) == 2


ARGUMENTS: dict[str, dict[str, Any] | None] = {
    "": {},
    "  ": {},
    "null": {},
    "{}": {},
    '{"a": 1}': {"a": 1},
    '"{\\"a\\": 1}"': {"a": 1},
    '{"text": "two\nlines"}': {"text": "two\nlines"},
    '{"a": "\\ud83d"}': {"a": "\ufffd"},
    "[]": {},
    '{}{"a": 1}': {"a": 1},
    '```json\n{"a": 1}\n```': {"a": 1},
    '{"a": [1, 2,],\n}': {"a": [1, 2]},
    '{"a": ",}", }': {"a": ",}"},
    '{"a": "\\",}", }': {"a": '",}'},
    '{"a": 1,,}': None,
    '{"a": ",}': None,
    '{"a": ': None,
    '{"a": 1}}': None,
    "[1]": None,
    "7": None,
    '"hello"': None,
    "hello": None,
}


@pytest.mark.parametrize(("text", "arguments"), ARGUMENTS.items())
def test_arguments_are_an_object_or_none(text: str, arguments: dict[str, Any] | None) -> None:
    builder = CallBuilder([])
    builder.take([call("add", text, "x", 0)])
    assert builder.finish() == (RequestedCall("x", "add", text, arguments),)


@pytest.mark.parametrize("blank", [" ", "\n"])
@pytest.mark.parametrize("depth", [150, 201, 300, 3_000, 100_000])
def test_arguments_that_are_taken_can_be_written_again(depth: int, blank: str) -> None:
    builder = CallBuilder([])
    builder.take([call("add", f'{{"a": "{blank}", "b": {"[" * depth}{"]" * depth}}}')])
    arguments = builder.finish()[0].arguments
    assert (arguments is not None) == (depth < 200)
    assert ToolCall(id="x", name="add", arguments=arguments or {}).model_dump_json()


BRACES_IN_STRINGS = r'{"a": "}", "b": "\"}", "c": "\\", "d": {"e": "{"}}'


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_only_the_last_brace_ends_an_object_of_which_the_name_is_repeated(size: int) -> None:
    builder = CallBuilder([])
    for start in range(0, len(BRACES_IN_STRINGS), size):
        builder.take([call("save", BRACES_IN_STRINGS[start : start + size], None, 0)])
    builder.take([call("save", "{}", None, 0)])
    assert [each.text for each in builder.finish()] == [BRACES_IN_STRINGS, "{}"]


def test_ids_of_ours_are_the_same_each_time_and_never_taken() -> None:
    for _ in range(2):
        builder = CallBuilder(["call00002", "x"])
        builder.take([call("add", ONE), call("add", TWO), call("add", ONE, "x")])
        assert [each.id for each in builder.finish()] == ["call00003", "call00004", "call00005"]


async def test_an_id_of_an_earlier_turn_is_not_used_again(http: HttpClient) -> None:
    earlier = Message(role="assistant", tool_calls=[ToolCall(id="call_1", name="add")])
    async with Upstream([Reply.tool_call("add", {}, "call_1")]) as upstream:
        stream = ChatCompletions(http).stream(endpoint(upstream.url), prompt(messages=[earlier]))
        reply = [chunk async for batch in stream for chunk in batch][-1]
    assert isinstance(reply, ModelReply)
    assert reply.calls[0].id != "call_1"


@pytest.mark.parametrize("nonsense", [None, 7, "add", [], {}, {"function": None}, {"function": "add"}])
def test_nonsense_among_the_calls_does_no_harm(nonsense: Any) -> None:
    builder = CallBuilder([])
    builder.take([nonsense])
    assert all(each.name == "" for each in builder.finish())
