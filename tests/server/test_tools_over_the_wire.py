"""Tools of runs over the wire: the client's own, and what is told of them."""

from pathlib import Path
from typing import Any

import pytest
from harness.peer import errors, frame, initialized, request
from harness.wire_runs import ADD, answer_tool, params

from agentrouted.testing.upstream import Reply, Upstream


async def test_the_model_calls_the_clients_own_tool(tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {"a": 1, "b": 2}), Reply.text("It is 3.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[ADD])))
        call = await answer_tool(peer, result={"content": "3"})
        assert (call["name"], call["arguments"]) == ("add", {"a": 1, "b": 2})
        result = (await peer.answer(1))["result"]
        assert result["text"] == "It is 3."
        assert [message["role"] for message in result["messages"]] == ["user", "assistant", "tool", "assistant"]
        assert (result["usage"]["modelCalls"], result["usage"]["toolCalls"]) == (2, 1)
        assert upstream.requests[1].body["messages"][-1]["content"] == "3"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"result": {"content": "no such file", "isError": True}}, "no such file"),
        ({"error": {"code": 1, "message": "the tool broke"}}, "Error: tool/call: the tool broke"),
        ({"error": {"code": 2**31, "message": "it broke"}}, "Error: tool/call: it broke"),
        ({"error": "odd"}, "Error: tool/call: it answered with an error"),
        ({"result": None}, "Error: tool/call: the client's answer is not a ToolCallResult"),
        ({"result": {"contents": "3"}}, "Error: tool/call: the client's answer is not a ToolCallResult"),
    ],
)
async def test_a_tools_failure_is_told_to_the_model(answer: dict[str, Any], told: str, tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Sorry.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[ADD])))
        await answer_tool(peer, **answer)
        assert (await peer.answer(1))["result"]["text"] == "Sorry."
        assert upstream.requests[1].body["messages"][-1]["content"] == told


@pytest.mark.parametrize(
    "answer",
    [
        b'{"jsonrpc":"2.0","id":%d}',
        b'{"id":%d,"jsonrpc":"2.0","result":{"content":NaN}}',
        b'{"jsonrpc": "2.0", "id": %d, "result": {"content": "cut',
        b'{"jsonrpc":"2.0","id":%d,"result":' + b"[" * 300 + b"]" * 300 + b"}",
    ],
    ids=["neither result nor error", "NaN", "cut", "deep"],
)
async def test_a_question_whose_answer_cannot_be_read_is_over_at_once(answer: bytes, tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Sorry.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[ADD])))
        peer.send(frame(answer % (await peer.until("tool/call"))["id"]))
        result = (await peer.answer(1))["result"]
        assert result["text"] == "Sorry."
        assert result["messages"][2]["content"].startswith("Error: tool/call: its answer cannot be read: ")
        assert [id_ for id_, _ in errors(peer.seen)] == [None]


async def test_a_tool_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Too slow.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[{**ADD, "timeout": 0.05}])))
        await peer.until("$/cancelRequest")
        assert (await peer.answer(1))["result"]["text"] == "Too slow."
        assert "TimeoutError" in upstream.requests[1].body["messages"][-1]["content"]


async def test_a_tool_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    script = [Reply.tool_call("subtract", {}), Reply.text("Oh.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        await peer.call("runAgent", params(upstream, tools=[ADD]))
        assert upstream.requests[1].body["messages"][-1]["content"] == (
            "Error: unknown tool 'subtract'. Available: ['add']"
        )


async def test_once_tools_run_alone_and_the_others_together(tmp_path: Path) -> None:
    names = {"a": "add", "b": "add", "c": "pay", "d": "add"}
    tools = [ADD, {**ADD, "name": "pay", "effect": "once"}]
    script = [Reply.tool_calls({call_id: (name, {}) for call_id, name in names.items()}), Reply.text("Done.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=tools)))
        order = []
        for group in (2, 1, 1):
            waiting = [await peer.until("tool/call") for _ in range(group)]
            order.append([message["params"]["callId"] for message in waiting])
            for message in reversed(waiting):
                content = message["params"]["callId"]
                peer.send(frame({"jsonrpc": "2.0", "id": message["id"], "result": {"content": content}}))
        result = (await peer.answer(1))["result"]
        assert order == [["a", "b"], ["c"], ["d"]]
        assert [message["content"] for message in result["messages"] if message["role"] == "tool"] == list("abcd")


@pytest.mark.parametrize(
    ("decision", "told"),
    [("allow_once", "3"), ("reject_once", "Error: add was not approved"), (None, "Error: it was not")],
)
async def test_a_tool_that_needs_approval_is_asked_about(decision: str | None, told: str, tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Done.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True, approvals=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[{**ADD, "needsApproval": True}])))
        await answer_tool(peer, result={"decision": decision} if decision else None)
        if decision == "allow_once":
            await answer_tool(peer, result={"content": "3"})
        await peer.answer(1)
        assert upstream.requests[1].body["messages"][-1]["content"].startswith(told)


async def test_tools_are_refused_to_a_client_that_has_not_offered_them(tmp_path: Path) -> None:
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        error = await peer.call("runAgent", params(upstream, tools=[ADD]))
        assert error["code"] == -32602 and "tools: true" in error["data"]["hint"]
        assert upstream.requests == []


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("_return_structured_output", {"output": {"type": "object"}, "outputMode": "tool"}),
        ("_return_structured_output", {"output": {"type": "object"}, "outputMode": "native"}),
        ("read_result", {}),
        ("remember", {"memory": {"scope": {"user": "ada"}, "remember": "tool"}}),
        ("recall", {"memory": {"scope": {"user": "ada"}, "recall": "tool"}}),
    ],
)
async def test_a_tool_with_the_name_of_our_own_is_refused(name: str, more: dict[str, Any], tmp_path: Path) -> None:
    tool = {"name": name, "inputSchema": {"type": "object"}}
    async with Upstream() as upstream, initialized(tmp_path, tools=True) as peer:
        answer = await peer.call("runAgent", params(upstream, tools=[tool], **more))
        assert answer["data"]["kind"] == "invalidParams" and upstream.requests == []
        assert f"`{name}`" in answer["message"] and "name yours otherwise" in answer["data"]["hint"]
