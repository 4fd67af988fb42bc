"""Tools of a run: approved, called, told to the model."""

import asyncio
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.run_parts import run_context

from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.agent.toolbox import Toolbox
from agentrouted.core.errors import Storage
from agentrouted.core.wire.base import CallArguments, CallStart, ModelReply, RequestedCall
from agentrouted_protocol.client_requests import ToolCallParams, ToolCallResult
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.runs import Tool


class Bench:
    """A toolbox with one tool, `add`, and what came of its calls."""

    def __init__(self, host: WritingHost, **options: Any) -> None:
        self.run_parts = run_context(host, [Tool(name="add", input_schema={"type": "object"}, **options)])
        self.state = self.run_parts.state
        self._box = Toolbox(self.run_parts)

    async def run(self, *calls: RequestedCall) -> list[str]:
        self.ask(*calls)
        await self._box.run(self.state.open_calls())
        self.state.close_calls()
        return [str(message.content) for message in self.state.messages[-len(calls) :]]

    def ask(self, *calls: RequestedCall) -> None:
        self.state.complete(ModelReply("", "", calls, finish_reason="tool_calls", usage=Usage()))


def call(id_: str = "1", name: str = "add", arguments: dict[str, Any] | None = None) -> RequestedCall:
    return RequestedCall(id_, name, "{}", {} if arguments is None else arguments)


async def test_a_tool_that_broke_is_told_to_the_model() -> None:
    host = WritingHost()
    assert await Bench(host).run(call()) == ["Error: it broke"]
    assert host.events[-1].is_error


async def test_arguments_that_are_no_object_are_told_and_not_sent() -> None:
    host = WritingHost({"add": "3"})
    (told,) = await Bench(host).run(RequestedCall("1", "add", "{oops", None))
    assert told.startswith("Error: could not parse arguments for 'add'") and host.calls == []


async def test_a_tool_that_was_cancelled_is_told_to_the_model() -> None:
    class Cancelled(WritingHost):
        async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
            raise asyncio.CancelledError

    assert await Bench(Cancelled()).run(call()) == ["Error: CancelledError: add was cancelled"]


async def test_a_fault_beside_other_calls_is_still_that_fault() -> None:
    class Full(WritingHost):
        async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
            raise Storage("the disk is full")

    with pytest.raises(Storage):
        await Bench(Full()).run(call("1"), call("2"))


async def test_allow_always_is_asked_once() -> None:
    host = WritingHost({"add": "3"}, ["allow_always"])
    bench = Bench(host, needs_approval=True)
    assert [*await bench.run(call("1")), *await bench.run(call("2"))] == ["3", "3"]
    assert [event.decision for event in host.events if event.kind == "approval"] == [None, "allow_always"]


async def test_reject_always_is_asked_once_and_nothing_is_called() -> None:
    host = WritingHost({"add": "3"}, ["reject_always"])
    bench = Bench(host, needs_approval=True)
    told = [*await bench.run(call("1")), *await bench.run(call("2"))]
    assert all(each.startswith("Error: ") for each in told) and host.calls == []


async def test_an_approval_that_cannot_be_had_is_a_rejection() -> None:
    host = WritingHost({"add": "3"}, [])
    assert await Bench(host, needs_approval=True).run(call()) == ["Error: nobody decides"]


async def test_arguments_edited_in_the_approval_are_used_and_told() -> None:
    host = WritingHost({"add": "3"}, ["allow_once"], edited={"a": 2})
    await Bench(host, needs_approval=True).run(call(arguments={"a": 1}))
    assert host.calls[0].arguments == host.events[-1].arguments == {"a": 2}


async def test_a_call_is_told_once_and_before_its_arguments() -> None:
    host = WritingHost({"add": "3"})
    emitter = Emitter("r", host, stream=True)
    emitter.chunks([CallStart("1", "add"), CallArguments("1", "{"), CallArguments("1", "}")])
    emitter.begin_call("1", "add")
    assert host.kinds == ["toolCallStart", "toolCallArguments"] and host.events[-1].text == "{}"


async def test_what_was_done_before_an_interruption_is_not_forgotten() -> None:
    bench = Bench(WritingHost({"add": "3"}))
    bench.ask(call("1"), call("2"), call("3"))
    await bench._box.run(bench.state.open_calls()[:1])
    bench.state.sent.add("2")
    bench.state.interrupt()
    told = [str(message.content) for message in bench.state.messages[1:]]
    assert told[0] == "3" and "unknown whether" in told[1] and "not made" in told[2]
    assert bench.state.usage.tool_calls == 1
