"""Tools of a run: approved, called, told to the model."""

from typing import Any

from harness.hosts import WritingHost

from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.agent.toolbox import Toolbox
from agentrouted.core.wire.base import RequestedCall
from agentrouted_protocol.runs import Tool


def toolbox(host: WritingHost, **options: Any) -> Toolbox:
    tool = Tool(name="add", input_schema={"type": "object"}, **options)
    return Toolbox("r", {"add": tool}, host, Emitter("r", host, stream=True))


def call(id_: str = "1", name: str = "add", arguments: dict[str, Any] | None = None) -> RequestedCall:
    return RequestedCall(id_, name, "{}", {} if arguments is None else arguments)


async def test_a_tool_that_broke_is_told_to_the_model() -> None:
    host = WritingHost()
    (result,) = await toolbox(host).run([call()])
    assert result.content == "Error: it broke" and host.events[-1].is_error


async def test_arguments_that_are_no_object_are_told_and_not_sent() -> None:
    host = WritingHost({"add": "3"})
    (result,) = await toolbox(host).run([RequestedCall("1", "add", "{oops", None)])
    assert str(result.content).startswith("Error: the arguments of add") and host.calls == []


async def test_allow_always_is_asked_once() -> None:
    host = WritingHost({"add": "3"}, ["allow_always"])
    box = toolbox(host, needs_approval=True)
    results = [*await box.run([call("1")]), *await box.run([call("2")])]
    assert [result.content for result in results] == ["3", "3"]
    assert [event.decision for event in host.events if event.kind == "approval"] == [None, "allow_always"]


async def test_reject_always_is_asked_once_and_nothing_is_called() -> None:
    host = WritingHost({"add": "3"}, ["reject_always"])
    box = toolbox(host, needs_approval=True)
    results = [*await box.run([call("1")]), *await box.run([call("2")])]
    assert all(str(result.content).startswith("Error: ") for result in results) and host.calls == []
